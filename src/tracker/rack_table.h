// Which rack an address belongs to, as the tracker's operator wrote it down. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/result.h"
#include "tracker/bounds.h"

namespace murder::tracker {

// Bounded by limits::rack_networks_max. Looking up takes one binary search per prefix length used.
class RackTable {
 public:
  // Lines of a network and a name, "10.1.0.0/16 r7" or "2001:db8:1::/48 r7"; an address alone
  // stands for itself, empty lines and what follows a # count for nothing. Errors name the line:
  // no network, bits beyond the prefix, no name of a rack, one network twice.
  [[nodiscard]] static Result<RackTable> parse(std::string_view text, std::string_view path);

  // Of the narrowest network that has the address; empty when none has. Valid as long as the table.
  [[nodiscard]] std::string_view find(const IpAddress& address) const;

  [[nodiscard]] uint32_t network_count() const { return static_cast<uint32_t>(networks_.size()); }

 private:
  struct Network {
    uint8_t prefix_bits = 0;  // of 128, also for IPv4
    IpAddress base;
    std::string rack;
  };

  std::vector<Network> networks_;  // long prefixes first, then by base
};

}  // namespace murder::tracker
