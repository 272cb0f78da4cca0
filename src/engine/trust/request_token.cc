#include "engine/trust/request_token.h"

#include <fmt/format.h>

#include <charconv>

#include "engine/base/ensure.h"
#include "engine/base/types.h"

namespace murder::trust {
namespace {

constexpr std::string_view parameter = "token=";
constexpr std::string_view clock_word = "clock ";
constexpr size_t token_mac_bytes = 16;  // of the MAC
constexpr size_t time_digits_max = 12;

std::string short_hex(const Mac& mac) {
  std::string text;
  for (const uint8_t byte : std::span(mac).first<token_mac_bytes>()) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

std::optional<uint64_t> number_in(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole && text.size() <= time_digits_max ? std::optional(number) : std::nullopt;
}

// Of a target without its token, "/announce?info_hash=...".
std::string token_mac(const Secret& key, std::string_view target, std::string_view time) {
  const std::string message = fmt::format("{}\n{}", time, target);
  return short_hex(hmac_sha256(key, as_bytes_of(message)));
}

std::string clock_mac(const Secret& key, std::string_view token, std::string_view time) {
  const std::string message = fmt::format("{}\n{}", time, token);
  return short_hex(hmac_sha256(key, as_bytes_of(message)));
}

bool is_same_text(std::string_view one, std::string_view other) {
  return is_same(as_bytes_of(one), as_bytes_of(other));
}

}  // namespace

// Of a query: what is in front of the token, and the token.
struct TokenKeys::Parts {
  std::string_view before;  // without the '&'
  std::string_view token;   // "1764400000-0123..."
  std::string_view time;
  std::string_view mac;
  uint64_t time_s = 0;
};

TokenKeys::TokenKeys(const FleetKeys& keys) {
  add(keys.opener, "operator", Right::opener);
  has_opener_ = !keys_.empty();
  add(keys.fleet, "fleet", Right::member);
  ENSURE(!keys_.empty());
  for (const Secret& secret : keys.fleet.all()) {
    viewers_.push_back(viewer_secret(secret));
  }
}

void TokenKeys::add(const KeyPair& pair, std::string_view name, Right right) {
  for (const Secret& secret : pair.all()) {
    keys_.push_back({.token = hkdf_sha256(secret, {}, fmt::format("murder token 1 {}", name)),
                     .clock = hkdf_sha256(secret, {}, fmt::format("murder clock 1 {}", name)),
                     .right = right});
  }
}

std::optional<TokenKeys::Parts> TokenKeys::parts_of(std::string_view query) {
  const size_t at = query.rfind(parameter);
  if (at == std::string_view::npos || (at > 0 && query[at - 1] != '&')) {
    return std::nullopt;
  }
  Parts parts{.before = query.substr(0, at > 0 ? at - 1 : 0),
              .token = query.substr(at + parameter.size())};
  const size_t dash = parts.token.find('-');
  if (dash == std::string_view::npos) {
    return std::nullopt;
  }
  parts.time = parts.token.substr(0, dash);
  parts.mac = parts.token.substr(dash + 1);
  const std::optional<uint64_t> time_s = number_in(parts.time);
  if (!time_s || parts.mac.size() != 2 * token_mac_bytes) {
    return std::nullopt;
  }
  parts.time_s = *time_s;
  return parts;
}

const TokenKeys::TokenKey* TokenKeys::maker_of(std::string_view path, const Parts& parts) const {
  const std::string target =
      parts.before.empty() ? std::string(path) : fmt::format("{}?{}", path, parts.before);
  const TokenKey* maker = nullptr;
  for (const TokenKey& key : keys_) {
    maker = is_same_text(token_mac(key.token, target, parts.time), parts.mac) ? &key : maker;
  }
  return maker;
}

std::string TokenKeys::signed_target(std::string_view target, uint64_t now_s) const {
  const std::string time = fmt::format("{}", now_s);
  const std::string_view joint = target.find('?') == std::string_view::npos ? "?" : "&";
  return fmt::format("{}{}{}{}-{}", target, joint, parameter, time,
                     token_mac(keys_.front().token, target, time));
}

Right TokenKeys::right_of(std::string_view path, std::string_view query, uint64_t now_s) const {
  const std::optional<Parts> parts = parts_of(query);
  const TokenKey* maker = parts ? maker_of(path, *parts) : nullptr;
  if (maker == nullptr) {
    return Right::none;
  }
  const uint64_t skew_s = parts->time_s > now_s ? parts->time_s - now_s : now_s - parts->time_s;
  return skew_s > limits::token_skew_s_max ? Right::stale : maker->right;
}

std::string TokenKeys::clock_reply(std::string_view path, std::string_view query,
                                   uint64_t now_s) const {
  const std::optional<Parts> parts = parts_of(query);
  const TokenKey* maker = parts ? maker_of(path, *parts) : nullptr;
  if (maker == nullptr) {
    return {};
  }
  const std::string time = fmt::format("{}", now_s);
  return fmt::format("{}{} {}\n", clock_word, time, clock_mac(maker->clock, parts->token, time));
}

std::optional<uint64_t> TokenKeys::told_time(std::string_view signed_target,
                                             std::string_view reply) const {
  const size_t query_at = std::min(signed_target.find('?'), signed_target.size());
  const std::optional<Parts> parts =
      parts_of(signed_target.substr(std::min(query_at + 1, signed_target.size())));
  if (!parts || !reply.starts_with(clock_word) || !reply.ends_with('\n')) {
    return std::nullopt;
  }
  reply = reply.substr(clock_word.size(), reply.size() - clock_word.size() - 1);
  const size_t blank = reply.find(' ');
  if (blank == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view time = reply.substr(0, blank);
  const bool is_true =
      is_same_text(clock_mac(keys_.front().clock, parts->token, time), reply.substr(blank + 1));
  return is_true ? number_in(time) : std::nullopt;
}

bool TokenKeys::is_viewer_key(std::string_view text) const {
  const Result<TypedKey> key = parse_key(text);
  if (!key || key->kind != KeyKind::viewer) {
    return false;
  }
  bool is_one = false;
  for (const Secret& viewer : viewers_) {
    is_one = is_same(viewer, key->secret) || is_one;
  }
  return is_one;
}

}  // namespace murder::trust
