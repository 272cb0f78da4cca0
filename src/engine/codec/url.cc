#include "engine/codec/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/base/endpoint.h"
#include "engine/base/types.h"

namespace murder::codec {
namespace {

constexpr std::string_view scheme_http = "http://";
constexpr std::string_view scheme_https = "https://";
constexpr std::string_view pin_begin = "pin=";
constexpr std::string_view pin_word = "pin";

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_case) {
  return text.size() >= lower_case.size() &&
         std::equal(lower_case.begin(), lower_case.end(), text.begin(), [](char want, char have) {
           return want == (have >= 'A' && have <= 'Z' ? have - 'A' + 'a' : have);
         });
}

// Printable ASCII. Some of it should be escaped by RFC 3986 and is not in real URLs; but nothing
// here breaks out of a request line.
bool is_plain(char c) {
  return c > ' ' && c < 127;
}

tl::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  std::string shown;
  for (const char c : text.substr(0, 200)) {
    shown.push_back(is_plain(c) ? c : '?');
  }
  return fail(ErrorCode::invalid_input, fmt::format("bad URL {}: {}", shown, why));
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

void set_path_and_query(Url& url, std::string_view text) {
  const size_t question = text.find('?');
  url.path = text.substr(0, question);
  if (url.path.empty()) {
    url.path = "/";
  }
  url.query = question == std::string_view::npos ? "" : text.substr(question + 1);
}

}  // namespace

bool has_http_scheme(std::string_view text) {
  return starts_with_ignoring_case(text, scheme_http) ||
         starts_with_ignoring_case(text, scheme_https);
}

Result<Url> Url::parse(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), is_plain)) {
    return refuse(text, "it has a blank, a control character or a byte beyond ASCII");
  }
  const bool is_https = starts_with_ignoring_case(text, scheme_https);
  if (!has_http_scheme(text)) {
    if (text.find("://") == std::string_view::npos) {
      return refuse(text, "it does not begin with http:// or https://");
    }
    return fail(
        ErrorCode::unsupported,
        fmt::format("URL {}: only http:// and https:// are supported", text.substr(0, 200)));
  }
  std::string_view rest = text.substr(is_https ? scheme_https.size() : scheme_http.size());
  const size_t fragment_begin = std::min(rest.find('#'), rest.size());
  const std::string_view fragment = rest.substr(std::min(fragment_begin + 1, rest.size()));
  rest = rest.substr(0, fragment_begin);
  const size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, authority_end);
  if (authority.find('@') != std::string_view::npos) {
    return fail(ErrorCode::unsupported,
                "a URL with a user name or password in it is not supported");
  }
  if (!authority.empty() && authority.back() == ':') {
    authority.remove_suffix(1);  // RFC 3986, 3.2.3: the port may be empty
  }
  const std::optional<HostPort> place =
      HostPort::parse(authority, is_https ? https_port_default : http_port_default);
  if (!place) {
    return refuse(text, "its host or port is malformed");
  }
  const bool has_brackets = authority.front() == '[';
  const bool has_colon = place->host.find(':') != std::string::npos;
  if (has_brackets != has_colon || (has_brackets && !IpAddress::parse(place->host))) {
    return refuse(text, "an IPv6 address stands in brackets, and nothing else does");
  }
  Url url{.host = place->host, .port = place->port, .is_https = is_https};
  if (starts_with_ignoring_case(fragment, pin_word)) {
    // Whoever writes a pin wants no other server: what is none is not passed over.
    if (!is_https || !fragment.starts_with(pin_begin) || fragment.size() == pin_begin.size()) {
      return refuse(text, "a key is pinned by #pin=SHA256:..., behind https://");
    }
    url.pins = fragment.substr(pin_begin.size());
  }
  set_path_and_query(url, rest.substr(authority_end));
  return url;
}

std::string Url::target() const {
  return query.empty() ? path : path + "?" + query;
}

std::string Url::authority() const {
  const std::string name = host.find(':') != std::string::npos ? "[" + host + "]" : host;
  const uint16_t port_default = is_https ? https_port_default : http_port_default;
  return port == port_default ? name : name + ":" + std::to_string(port);
}

std::string Url::origin() const {
  return std::string(is_https ? scheme_https : scheme_http) + authority();
}

std::string Url::text() const {
  return origin() + target();
}

std::string Url::pin_fragment() const {
  return pins.empty() ? "" : "#" + std::string(pin_begin) + pins;
}

Result<Url> resolve_url(const Url& base, std::string_view reference) {
  if (reference.starts_with("//")) {
    return Url::parse((base.is_https ? "https:" : "http:") + std::string(reference));
  }
  const std::string_view before_path = reference.substr(0, reference.find_first_of("/?#"));
  if (before_path.find(':') != std::string_view::npos) {
    return Url::parse(reference);
  }
  if (!std::all_of(reference.begin(), reference.end(), is_plain)) {
    return refuse(reference, "it has a blank, a control character or a byte beyond ASCII");
  }
  reference = reference.substr(0, reference.find('#'));
  Url url = base;
  if (reference.empty()) {
    return url;
  }
  if (reference.front() == '/') {
    set_path_and_query(url, reference);
  } else if (reference.front() == '?') {
    url.query = reference.substr(1);
  } else {
    const std::string folder = base.path.substr(0, base.path.rfind('/') + 1);
    set_path_and_query(url, folder + std::string(reference));
  }
  return url;
}

void append_percent_encoded(std::string& out, std::span<const uint8_t> bytes) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  for (const uint8_t byte : bytes) {
    const bool is_unreserved = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                               (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '.' ||
                               byte == '_' || byte == '~';
    if (is_unreserved) {
      out.push_back(static_cast<char>(byte));
    } else {
      out.push_back('%');
      out.push_back(digits[byte >> 4U]);
      out.push_back(digits[byte & 15U]);
    }
  }
}

std::string percent_encode(std::string_view text) {
  std::string out;
  append_percent_encoded(out, as_bytes_of(text));
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out.push_back(text[at]);
      continue;
    }
    const int high = at + 1 < text.size() ? hex_value(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? hex_value(text[at + 2]) : -1;
    if (high < 0 || low < 0) {
      return fail(ErrorCode::invalid_input, "'%' without two hexadecimal digits behind it");
    }
    out.push_back(static_cast<char>(high * 16 + low));
    at += 2;
  }
  return out;
}

}  // namespace murder::codec
