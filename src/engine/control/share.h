// A number of hosts, or a percentage of them: "12", "10%". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::control {

struct Share {
  uint32_t number = 0;
  bool is_percent = false;

  // "0", "12", "0%" to "100%".
  [[nodiscard]] static Result<Share> parse(std::string_view text);
  [[nodiscard]] std::string text() const;

  // Of `count` hosts, never more than there are.
  [[nodiscard]] uint32_t rounded_down(uint32_t count) const;
  [[nodiscard]] uint32_t rounded_up(uint32_t count) const;

  bool operator==(const Share&) const = default;
};

}  // namespace murder::control
