// How many hosts must have a release before it is made current. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::fleet {

class Quorum {
 public:
  // "95%", "100%", or a number of hosts: "12". At least 1 (host or percent).
  [[nodiscard]] static Result<Quorum> parse(std::string_view text);

  // Never more than there are; a share is rounded up.
  [[nodiscard]] uint32_t hosts_needed(uint32_t host_count) const;
  [[nodiscard]] std::string text() const;

 private:
  uint32_t number_ = 100;
  bool is_percent_ = true;
};

}  // namespace murder::fleet
