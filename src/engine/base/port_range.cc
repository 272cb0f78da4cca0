#include "engine/base/port_range.h"

#include <charconv>

namespace murder {
namespace {

// 0: it is not a port.
uint16_t port_of(std::string_view text) {
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && rest == end ? port : uint16_t{0};
}

}  // namespace

Result<PortRange> PortRange::parse(std::string_view text) {
  const size_t dash = text.find('-');
  PortRange range{.first = port_of(text.substr(0, dash))};
  range.last = dash == std::string_view::npos ? range.first : port_of(text.substr(dash + 1));
  if (range.first == 0 || range.last < range.first) {
    return fail(ErrorCode::invalid_input,
                "'" + std::string(text) + "' is not a range of ports: write 51000-51099, or 51000");
  }
  return range;
}

std::string PortRange::text() const {
  return std::to_string(first) + (first == last ? "" : "-" + std::to_string(last));
}

}  // namespace murder
