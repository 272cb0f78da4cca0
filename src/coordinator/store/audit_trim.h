// How many of the records that a snapshot stands for are kept for the audit. Pure.
#pragma once

#include <cstdint>

#include "engine/base/result.h"

namespace murder::store {

struct AuditRange {
  uint64_t first = 0;    // number of the oldest record that is there
  uint64_t last = 0;     // of the latest
  uint64_t covered = 0;  // the latest that the snapshot stands for: later ones are needed
  uint64_t records_max = 0;
  uint64_t bytes_max = 0;
};

// The oldest record to keep, `covered` + 1 at most. `end_bytes_of(number)` is a Result<uint64_t>:
// the bytes of all records up to that one, in the life of the state.
template <typename EndBytes>
[[nodiscard]] Result<uint64_t> first_kept(const AuditRange& range, EndBytes&& end_bytes_of) {
  uint64_t low = range.first;
  if (range.last >= range.records_max && range.last - range.records_max + 1 > low) {
    low = range.last - range.records_max + 1;
  }
  uint64_t high = range.covered + 1;
  if (low >= high) {
    return high < range.first ? range.first : high;
  }
  const Result<uint64_t> end = end_bytes_of(range.last);
  if (!end) {
    return end;
  }
  // Before `low` is too much, from `high` on is little enough or needed.
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    const Result<uint64_t> at = end_bytes_of(middle);
    if (!at) {
      return at;
    }
    // What follows `middle` fits or not; `middle` itself is kept with the last that fit.
    if (*end - *at >= range.bytes_max) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace murder::store
