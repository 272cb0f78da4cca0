#include "tracker/sources.h"

#include <cstring>

#include "tracker/mix_bits.h"

namespace murder::tracker {

SourceKey source_key(const IpAddress& remote, uint64_t hash_seed) {
  uint64_t high = 0;
  uint64_t low = 0;
  std::memcpy(&high, remote.bytes.data(), sizeof high);
  std::memcpy(&low, remote.bytes.data() + sizeof high, sizeof low);
  return static_cast<SourceKey>(mix_bits(mix_bits(high ^ hash_seed) ^ (remote.is_v4() ? low : 0)));
}

uint32_t SourceLedger::find(SourceKey key) const {
  return index_.find(key, [&](uint32_t at) { return entries_[at].key == key; });
}

SourceHolds SourceLedger::holds(SourceKey key) const {
  const uint32_t at = find(key);
  return at == FlatIndex::none ? SourceHolds{} : entries_[at].holds;
}

uint32_t SourceLedger::find_or_make(SourceKey key) {
  uint32_t at = find(key);
  if (at == FlatIndex::none) {
    at = static_cast<uint32_t>(entries_.size());
    entries_.push_back({.key = key, .holds = {}});
    index_.insert(key, at);
  }
  return at;
}

void SourceLedger::forget(uint32_t at) {
  index_.erase(entries_[at].key, at);
  const auto last = static_cast<uint32_t>(entries_.size() - 1);
  if (at != last) {
    entries_[at] = entries_[last];
    index_.move(entries_[at].key, last, at);
  }
  entries_.pop_back();
}

void SourceLedger::count_record(SourceKey key, Standing standing, bool add) {
  const uint32_t by = add ? 1 : UINT32_MAX;  // modulo 2^32
  update(key, [&](SourceHolds& holds) {
    holds.record_count += by;
    holds.usual_count += standing == Standing::usual ? by : 0;
    holds.hidden_count += standing == Standing::hidden ? by : 0;
  });
  hidden_count_ += standing == Standing::hidden ? by : 0;
}

size_t SourceLedger::memory_bytes() const {
  return entries_.capacity() * sizeof(Entry) + index_.memory_bytes();
}

}  // namespace murder::tracker
