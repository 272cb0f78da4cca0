// What passes between an agent that has standard input and output in place of a connection, and
// whoever passes its frames on to a coordinator, beside the frames of its link (link_messages.h):
// what its host asks the coordinator's port for. Plain values and their JSON text, under the rules
// of message_text.h. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/control/bounds.h"

namespace murder::limits {

inline constexpr uint32_t control_relay_target_bytes_max = 8192;
inline constexpr uint32_t control_relay_body_bytes_max = 2048;    // of why there is no link
inline constexpr uint32_t control_relay_part_bytes = 128 * 1024;  // of an answer, before base64
static_assert(control_relay_part_bytes * 4 / 3 + 1024 < control_coordinator_message_bytes_max);

}  // namespace murder::limits

namespace murder::control {

// From the agent: open its link by this request, in which it proves the key of a closed fleet. The
// first message, and after each RelayUnlinked.
struct RelayLink {
  std::string target;
  bool operator==(const RelayLink&) const = default;
};

// To the agent: the link was refused, or is lost.
struct RelayUnlinked {
  uint64_t status = 0;  // of HTTP; 0: nobody answered, or the connection was closed
  std::string body;     // what the coordinator said, as far as it is text, or what was in the way
  bool operator==(const RelayUnlinked&) const = default;
};

// From the agent: GET of this path and query.
struct RelayGet {
  uint64_t id = 0;
  std::string target;
  bool operator==(const RelayGet&) const = default;
};

// To the agent: a part of the answer, or the last of it.
struct RelayGot {
  uint64_t id = 0;
  uint64_t status = 0;  // of HTTP; 0: nobody answered, and the body says why
  std::string body;     // base64
  bool more = false;    // further parts follow
  bool operator==(const RelayGot&) const = default;
};

[[nodiscard]] std::string text_of(const RelayLink& link);
[[nodiscard]] std::string text_of(const RelayUnlinked& unlinked);
[[nodiscard]] std::string text_of(const RelayGet& get);
[[nodiscard]] std::string text_of(const RelayGot& got);

// Nothing: the message is another one, of the link. Errors: it is one, and not whole.
[[nodiscard]] Result<std::optional<RelayLink>> parse_relay_link(std::string_view text);
[[nodiscard]] Result<std::optional<RelayUnlinked>> parse_relay_unlinked(std::string_view text);
[[nodiscard]] Result<std::optional<RelayGet>> parse_relay_get(std::string_view text);
[[nodiscard]] Result<std::optional<RelayGot>> parse_relay_got(std::string_view text);

// Announces, scrapes and torrents alone: what a peer and an agent ask a tracker for.
[[nodiscard]] bool may_be_relayed(std::string_view target);

}  // namespace murder::control
