#include "engine/control/share.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace murder::control {

Result<Share> Share::parse(std::string_view text) {
  Share share;
  std::string_view digits = text;
  share.is_percent = digits.ends_with('%');
  if (share.is_percent) {
    digits.remove_suffix(1);
  }
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, share.number);
  if (error != std::errc{} || rest != end || (share.is_percent && share.number > 100)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("\"{}\": write a number of hosts, or a share of them such as 10%",
                            text.substr(0, 40)));
  }
  return share;
}

std::string Share::text() const {
  return fmt::format("{}{}", number, is_percent ? "%" : "");
}

uint32_t Share::rounded_down(uint32_t count) const {
  return is_percent ? static_cast<uint32_t>(uint64_t{count} * number / 100)
                    : std::min(number, count);
}

uint32_t Share::rounded_up(uint32_t count) const {
  return is_percent ? static_cast<uint32_t>((uint64_t{count} * number + 99) / 100)
                    : std::min(number, count);
}

}  // namespace murder::control
