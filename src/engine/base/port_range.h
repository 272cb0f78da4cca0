// Ports from one to another, both included: "51000-51099", or one port alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder {

struct PortRange {
  uint16_t first = 0;  // 0: any port, and last is 0 as well
  uint16_t last = 0;

  [[nodiscard]] static Result<PortRange> parse(std::string_view text);
  [[nodiscard]] std::string text() const;

  bool operator==(const PortRange&) const = default;
};

}  // namespace murder
