// The keys of a fleet, as text: one line each, such as
//
//   murder-fleet-1-<64 hexadecimal digits>-<8 digits of a checksum>
//
// kind       who has it                     what it is for
// fleet      every host, every tracker      take part in swarms, announce
// operator   trackers, who opens releases   make a release known to a tracker
// viewer     people and monitoring          read a tracker's pages; made of a fleet key
//
// Pure: randomness is an argument, files are read by engine/host/fleet_key_file.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/trust/bounds.h"
#include "engine/trust/hmac.h"

namespace murder::trust {

enum class KeyKind : uint8_t { fleet, opener, viewer };

// Without a line end.
[[nodiscard]] std::string key_text(KeyKind kind, const Secret& secret);

// Errors never repeat the text, which may be a key.
struct TypedKey {
  KeyKind kind = KeyKind::fleet;
  Secret secret{};
};
[[nodiscard]] Result<TypedKey> parse_key(std::string_view text);

// Up to two secrets of one kind: the first is used for making, both for checking.
struct KeyPair {
  std::array<Secret, limits::fleet_keys_max> secrets{};
  uint32_t count = 0;

  [[nodiscard]] std::span<const Secret> all() const { return std::span(secrets).first(count); }
  [[nodiscard]] bool empty() const { return count == 0; }
  [[nodiscard]] const Secret& first() const { return secrets[0]; }
};

// What is in a key file, or came in front of a torrent.
struct FleetKeys {
  KeyPair fleet;
  KeyPair opener;        // empty: whoever has the fleet key opens releases
  bool has_tls = false;  // peers of this fleet speak TLS and nothing else
};

// Lines of keys, the line "transport tls", empty lines, and comments from a '#' on. At least one
// fleet key, at most two of a kind. `where` is for errors.
[[nodiscard]] Result<FleetKeys> parse_fleet_keys(std::string_view text, std::string_view where);

// What a person has who gives orders or only looks: keys as above, of which a fleet key may be
// missing, or a viewer's key alone.
struct OperatorKeys {
  std::optional<FleetKeys> keys;  // at least one key of either kind
  std::string viewer_key;         // its text; empty: none
};
[[nodiscard]] Result<OperatorKeys> parse_operator_keys(std::string_view text,
                                                       std::string_view where);

[[nodiscard]] Secret viewer_secret(const Secret& fleet);

}  // namespace murder::trust
