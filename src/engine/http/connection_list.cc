#include "engine/http/connection_list.h"

#include <algorithm>
#include <cstring>

namespace murder::http {
namespace {

// The one to go is chosen among this many of the oldest.
constexpr uint32_t candidates_max = 32;

}  // namespace

SourceCounts::Bucket SourceCounts::bucket_of(const IpAddress& address) const {
  uint64_t high = 0;
  uint64_t low = 0;
  std::memcpy(&high, address.bytes.data(), sizeof high);
  std::memcpy(&low, address.bytes.data() + sizeof high, sizeof low);
  // Where this object lies differs from process to process, so nobody aims at a bucket.
  uint64_t mixed = (high ^ reinterpret_cast<uintptr_t>(this)) * 0x9E3779B97F4A7C15U;
  mixed = (mixed ^ (address.is_v4() ? low : 0)) * 0xBF58476D1CE4E5B9U;
  return static_cast<Bucket>((mixed ^ (mixed >> 29U)) >> 32U) % bucket_count;
}

SourceCounts::Bucket SourceCounts::most() const {
  return static_cast<Bucket>(std::max_element(counts_.begin(), counts_.end()) - counts_.begin());
}

ListedConnection* ConnectionList::first_to_go(const SourceCounts& sources, Instant until) const {
  ListedConnection* chosen = nullptr;
  uint32_t seen = 0;
  for (ListedConnection* at = first_;
       at != nullptr && at->listed_at_ <= until && seen < candidates_max; at = at->next_, ++seen) {
    if (chosen == nullptr || sources.count(at->bucket_) > sources.count(chosen->bucket_)) {
      chosen = at;
    }
  }
  return chosen;
}

void ConnectionList::add(ListedConnection& connection, Instant now) {
  leave(connection);
  connection.list_ = this;
  connection.listed_at_ = now;
  connection.previous_ = last_;
  (last_ == nullptr ? first_ : last_->next_) = &connection;
  last_ = &connection;
}

void ConnectionList::leave(ListedConnection& connection) {
  ConnectionList* list = connection.list_;
  if (list == nullptr) {
    return;
  }
  ListedConnection* next = connection.next_;
  ListedConnection* previous = connection.previous_;
  (previous == nullptr ? list->first_ : previous->next_) = next;
  (next == nullptr ? list->last_ : next->previous_) = previous;
  connection.list_ = nullptr;
  connection.next_ = nullptr;
  connection.previous_ = nullptr;
}

}  // namespace murder::http
