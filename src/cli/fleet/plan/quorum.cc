#include "cli/fleet/plan/quorum.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace murder::fleet {

Result<Quorum> Quorum::parse(std::string_view text) {
  Quorum quorum;
  std::string_view digits = text;
  quorum.is_percent_ = digits.ends_with('%');
  if (quorum.is_percent_) {
    digits.remove_suffix(1);
  }
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), quorum.number_);
  const bool is_number = error == std::errc{} && end == digits.data() + digits.size();
  if (!is_number || quorum.number_ == 0 || (quorum.is_percent_ && quorum.number_ > 100)) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("\"{}\": write a share of the hosts such as 95%, or a number of hosts", text));
  }
  return quorum;
}

uint32_t Quorum::hosts_needed(uint32_t host_count) const {
  if (!is_percent_) {
    return std::min(number_, host_count);
  }
  return static_cast<uint32_t>((uint64_t{host_count} * number_ + 99) / 100);
}

std::string Quorum::text() const {
  return fmt::format("{}{}", number_, is_percent_ ? "%" : " hosts");
}

}  // namespace murder::fleet
