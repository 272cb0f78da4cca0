// Connections of a server, or those that a handler took over from it, in the order in which
// something began, and how many an address has.
#pragma once

#include <array>
#include <cstdint>

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"

namespace murder::http {

// How many connections come from where: an IPv4 address, or 64 bits of an IPv6 one. Counted in
// buckets, so that the memory is bounded; addresses that share one count as one.
class SourceCounts {
 public:
  using Bucket = uint16_t;

  [[nodiscard]] Bucket bucket_of(const IpAddress& address) const;
  void add(Bucket bucket) { ++counts_[bucket]; }
  void remove(Bucket bucket) { --counts_[bucket]; }
  [[nodiscard]] uint32_t count(Bucket bucket) const { return counts_[bucket]; }
  // The one that has the most.
  [[nodiscard]] Bucket most() const;

 private:
  static constexpr uint32_t bucket_count = 4096;
  std::array<uint32_t, bucket_count> counts_{};
};

class ConnectionList;

// What a list knows of a connection, which is derived from it.
class ListedConnection {
 public:
  [[nodiscard]] SourceCounts::Bucket bucket() const { return bucket_; }
  [[nodiscard]] Instant listed_at() const { return listed_at_; }  // in this list since

 protected:
  explicit ListedConnection(SourceCounts::Bucket bucket) : bucket_(bucket) {}
  ~ListedConnection() = default;

 private:
  friend class ConnectionList;

  ConnectionList* list_ = nullptr;
  Instant listed_at_;
  ListedConnection* next_ = nullptr;
  ListedConnection* previous_ = nullptr;
  SourceCounts::Bucket bucket_;
};

// The idle connections of a server, or the busy ones, or those that have proven nothing yet: the
// one that is it longest comes first.
class ConnectionList {
 public:
  [[nodiscard]] ListedConnection* oldest() const { return first_; }
  [[nodiscard]] bool has_several() const { return first_ != last_; }
  // Of the oldest, that came into the list by `until`, the one whose address has the most
  // connections; nullptr when there is none.
  [[nodiscard]] ListedConnection* first_to_go(const SourceCounts& sources, Instant until) const;
  // It leaves the list it was in.
  void add(ListedConnection& connection, Instant now);
  static void leave(ListedConnection& connection);

 private:
  ListedConnection* first_ = nullptr;
  ListedConnection* last_ = nullptr;
};

}  // namespace murder::http
