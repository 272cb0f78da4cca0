// What each source holds of a tracker's room: a source is the address that announces come from, of
// IPv6 its network of 64 bits. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/base/endpoint.h"
#include "tracker/flat_index.h"

namespace murder::tracker {

// A source as the ledger knows it: a hash with the tracker's secret seed. That two of 500,000 share
// one now and then does no harm, and nobody can aim at it.
using SourceKey = uint32_t;

[[nodiscard]] SourceKey source_key(const IpAddress& remote, uint64_t hash_seed);

// How far what a record says is trusted.
enum class Standing : uint8_t {
  usual,   // handed out
  proven,  // handed out: a peer answered the tracker there
  behind,  // handed out when there are no others: one of many of its source, and not proven
  hidden,  // not handed out: its address is not where the announce came from, and not proven
};

struct SourceHolds {
  uint32_t record_count = 0;
  uint32_t usual_count = 0;   // of the records those of this standing
  uint32_t hidden_count = 0;  // likewise
  uint32_t proof_count = 0;   // that wait or are under way
  uint32_t swarm_count = 0;   // that it was the first to announce

  [[nodiscard]] bool is_nothing() const {
    return record_count == 0 && proof_count == 0 && swarm_count == 0;
  }
};

// Owned by the table. Bounded by what it counts: a source that holds nothing is forgotten.
class SourceLedger {
 public:
  [[nodiscard]] SourceHolds holds(SourceKey key) const;
  // All fields of a source may be changed within `change`.
  template <typename Change>
  void update(SourceKey key, Change&& change) {
    const uint32_t at = find_or_make(key);
    change(entries_[at].holds);
    if (entries_[at].holds.is_nothing()) {
      forget(at);
    }
  }
  void count_record(SourceKey key, Standing standing, bool add);
  [[nodiscard]] uint32_t hidden_count() const { return hidden_count_; }  // of all sources
  [[nodiscard]] uint32_t source_count() const { return index_.size(); }
  [[nodiscard]] size_t memory_bytes() const;

 private:
  struct Entry {
    SourceKey key = 0;
    SourceHolds holds;
  };

  [[nodiscard]] uint32_t find(SourceKey key) const;
  [[nodiscard]] uint32_t find_or_make(SourceKey key);
  void forget(uint32_t at);

  std::vector<Entry> entries_;  // without holes: the last takes the place of one that goes
  FlatIndex index_;
  uint32_t hidden_count_ = 0;
};

}  // namespace murder::tracker
