#include "engine/trust/fleet_key.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/types.h"
#include "engine/hash/sha256.h"

namespace murder::trust {
namespace {

constexpr size_t checksum_bytes = 4;
constexpr size_t digits_count = 2 * secret_bytes;
constexpr size_t tail_size = digits_count + 1 + 2 * checksum_bytes;

constexpr std::string_view transport_word = "transport";
constexpr std::string_view transport_line = "transport tls";

struct KindName {
  KeyKind kind;
  std::string_view name;
};
constexpr std::array kind_names = {KindName{KeyKind::fleet, "fleet"},
                                   KindName{KeyKind::opener, "operator"},
                                   KindName{KeyKind::viewer, "viewer"}};

std::string prefix_of(std::string_view name) {
  return fmt::format("murder-{}-1-", name);
}

std::string hex_of(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

std::optional<Secret> secret_of(std::string_view digits) {
  Secret secret{};
  for (size_t index = 0; index < digits.size(); ++index) {
    const int value = digit_value(digits[index]);
    if (value < 0) {
      return std::nullopt;
    }
    secret[index / 2] = static_cast<uint8_t>(secret[index / 2] << 4U | value);
  }
  return secret;
}

// Of all that is in front of it: a mistyped kind is found as well.
std::string checksum_of(std::string_view text) {
  return hash::sha256(as_bytes_of(text)).hex().substr(0, 2 * checksum_bytes);
}

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view removed = " \t\r";
  const size_t begin = std::min(text.find_first_not_of(removed), text.size());
  const size_t end = text.find_last_not_of(removed) + 1;  // npos + 1 is 0
  return end > begin ? text.substr(begin, end - begin) : std::string_view();
}

Status add_to(KeyPair& pair, const Secret& secret, std::string_view name) {
  if (std::ranges::find(pair.all(), secret) != pair.all().end()) {
    return fail(ErrorCode::invalid_input, "this key is there twice");
  }
  if (pair.count == pair.secrets.size()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("a third {} key: two may be valid at a time, remove the oldest", name));
  }
  pair.secrets[pair.count++] = secret;
  return {};
}

Status add_line(std::string_view line, FleetKeys& keys) {
  if (line == transport_line) {
    keys.has_tls = true;
    return {};
  }
  if (line.starts_with(transport_word)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("of the transport a key file says \"{}\", or nothing", transport_line));
  }
  const Result<TypedKey> key = parse_key(line);
  if (!key) {
    return fail(key.error());
  }
  switch (key->kind) {
    case KeyKind::fleet:
      return add_to(keys.fleet, key->secret, "fleet");
    case KeyKind::opener:
      return add_to(keys.opener, key->secret, "operator");
    case KeyKind::viewer:
      break;
  }
  return fail(ErrorCode::invalid_input, "a viewer's key does not belong into a key file");
}

// Calls `take` for each line that is not empty or a comment; stops at its first error, and names
// the line.
template <typename Take>
Status for_each_key(std::string_view text, std::string_view where, Take take) {
  if (text.size() > limits::fleet_key_file_bytes_max) {
    return fail(ErrorCode::limit, fmt::format("{} is too large for a key file", where));
  }
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, end);
    const std::string_view line = without_blanks(whole.substr(0, whole.find('#')));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) {
      continue;
    }
    if (const Status taken = take(line); !taken) {
      return fail(taken.error().code,
                  fmt::format("{}, line {}: {}", where, number, taken.error().text));
    }
  }
  return {};
}

}  // namespace

std::string key_text(KeyKind kind, const Secret& secret) {
  const auto named = std::ranges::find(kind_names, kind, &KindName::kind);
  const std::string text = prefix_of(named->name) + hex_of(secret);
  return text + "-" + checksum_of(text);
}

Result<TypedKey> parse_key(std::string_view text) {
  for (const auto& [kind, name] : kind_names) {
    const std::string prefix = prefix_of(name);
    if (!text.starts_with(prefix)) {
      continue;
    }
    const std::string_view tail = text.substr(prefix.size());
    const bool is_shaped = tail.size() == tail_size && tail[digits_count] == '-';
    const std::optional<Secret> secret =
        is_shaped ? secret_of(tail.substr(0, digits_count)) : std::nullopt;
    const std::string_view before = text.substr(0, prefix.size() + digits_count);
    if (!secret || tail.substr(digits_count + 1) != checksum_of(before)) {
      return fail(ErrorCode::invalid_input,
                  "a damaged key: its checksum does not match, copy the whole line again");
    }
    return TypedKey{kind, *secret};
  }
  for (const KindName& each : kind_names) {
    if (text.starts_with(fmt::format("murder-{}-", each.name))) {
      return fail(ErrorCode::unsupported, "a key of a version that this murder does not know");
    }
  }
  return fail(ErrorCode::invalid_input,
              "not a key: `murder key new-fleet` makes one (murder-fleet-1-...)");
}

Result<FleetKeys> parse_fleet_keys(std::string_view text, std::string_view where) {
  FleetKeys keys;
  const Status read =
      for_each_key(text, where, [&keys](std::string_view line) { return add_line(line, keys); });
  if (!read) {
    return fail(read.error());
  }
  if (keys.fleet.empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} has no fleet key: `murder key new-fleet` makes one", where));
  }
  return keys;
}

Result<OperatorKeys> parse_operator_keys(std::string_view text, std::string_view where) {
  OperatorKeys found;
  FleetKeys keys;
  const Status read = for_each_key(text, where, [&](std::string_view line) -> Status {
    const Result<TypedKey> key = parse_key(line);
    if (!key || key->kind != KeyKind::viewer) {
      return add_line(line, keys);
    }
    found.viewer_key = line;
    return {};
  });
  if (!read) {
    return fail(read.error());
  }
  if (!keys.fleet.empty() || !keys.opener.empty()) {
    found.keys = keys;
  } else if (found.viewer_key.empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} has no key: `murder key new-operator` makes one", where));
  }
  return found;
}

Secret viewer_secret(const Secret& fleet) {
  return hkdf_sha256(fleet, {}, "murder viewer 1");
}

}  // namespace murder::trust
