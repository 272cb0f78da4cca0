// What hosts did at an address, whatever they call themselves: an address outlives its connections,
// and costs more than a peer id. IPv6 counts by /64, since a host has all of one.
//
// Several hosts may share an address (a NAT, a test), so what one did never counts against a
// session that was of use itself, and an address of which one was of use is not made to wait.
// Bounded: the entry whose last offence is the oldest makes way. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"

namespace murder::policy {

class AddressBook {
 public:
  explicit AddressBook(uint32_t count_max) : count_max_(count_max) {}

  // It cost us a slot, a piece or time for nothing.
  void offended(const IpAddress& address, Instant now);
  // It sent data that does not match its hash.
  void lied(const IpAddress& address, Instant now);
  // A host there was of use.
  void proved(const IpAddress& address);

  // Newcomers from there are given little at a time.
  [[nodiscard]] bool is_distrusted(const IpAddress& address, Instant now) const;
  // Newcomers from there get nothing now, when there are others.
  [[nodiscard]] bool waits(const IpAddress& address, Instant now) const;
  // Nobody from there is let in: three different hosts there lied.
  [[nodiscard]] bool is_barred(const IpAddress& address) const;

  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(entries_.size()); }
  // Which rule that must hold does not; empty when all do.
  [[nodiscard]] std::string_view check() const;

 private:
  struct Entry {
    IpAddress key;
    uint32_t offences = 0;
    uint32_t lies = 0;
    bool proved = false;
    Instant last_at{};
  };

  [[nodiscard]] const Entry* find(const IpAddress& address) const;
  Entry& entry_for(const IpAddress& address, Instant now);

  std::vector<Entry> entries_;
  uint32_t count_max_;
};

}  // namespace murder::policy
