#include "cli/ui/given_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "engine/base/endpoint.h"
#include "engine/codec/url.h"

namespace murder::cli {
namespace {

constexpr uint16_t tracker_port_default = 8998;

bool is_link_local_v6(const IpAddress& address) {
  return address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0U) == 0x80;
}

bool is_of_many(const IpAddress& address) {
  if (address.is_v4()) {
    const uint8_t first = address.bytes[12];
    return (first >= 224 && first < 240) || address.text() == "255.255.255.255";
  }
  return address.bytes[0] == 0xff;
}

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(blanks);
  return begin == std::string_view::npos
             ? std::string_view()
             : text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

}  // namespace

Status check_given_address(std::string_view host) {
  constexpr std::string_view advice =
      "other hosts cannot connect to it: name the host, or give its global or unique local "
      "address (`ip -6 address` shows them)";
  const size_t zone = host.find('%');
  const bool has_zone = zone != std::string_view::npos && IpAddress::parse(host.substr(0, zone));
  if (has_zone) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("{} has a zone, which is an interface of one host, so {}", host, advice));
  }
  const std::optional<IpAddress> address = IpAddress::parse(host);
  if (address && is_link_local_v6(*address)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} is a link-local address, so {}", host, advice));
  }
  if (address && is_of_many(*address)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} is not the address of a host, but of many", host));
  }
  return {};
}

Result<std::string> tracker_url_of(std::string_view text) {
  text = without_blanks(text);
  if (text.find("://") == std::string_view::npos) {
    const std::optional<HostPort> place = HostPort::parse(text, tracker_port_default);
    if (!place) {
      return fail(ErrorCode::invalid_input, fmt::format("{}: not HOST:PORT, nor a URL", text));
    }
    return tracker_url_of(fmt::format("http://{}/announce", place->text()));
  }
  if (!codec::has_http_scheme(text)) {
    return std::string(text);  // for other programs: ours pass over it
  }
  const size_t open = text.find('[');
  const size_t close = text.find(']', std::min(open, text.size()));
  const std::string_view host =
      close == std::string_view::npos ? "" : text.substr(open + 1, close - open - 1);
  if (Status given = check_given_address(host); !given) {
    return fail(given.error());
  }
  const Result<codec::Url> url = codec::Url::parse(text);
  if (!url) {
    return fail(url.error());
  }
  const Status given = check_given_address(url->host);
  return given ? Result<std::string>(std::string(text)) : fail(given.error());
}

}  // namespace murder::cli
