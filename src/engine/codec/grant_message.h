// What our own peers say to each other beyond BEP 3: who has a free download slot, who is granted a
// piece, what a rack fetches. It is the payload of an extended message (BEP 10) of the name below;
// stock clients never announce it and so never see it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace murder::codec {

inline constexpr std::string_view grant_extension_name = "mu_grant";
inline constexpr uint8_t grant_extension_id = 1;  // the extended id we ask for
inline constexpr size_t grant_message_bytes = 5;  // kind, value
inline constexpr uint32_t any_piece = UINT32_MAX;

enum class GrantKind : uint8_t {
  free = 0,     // the sender has a download slot for the receiver; value: its rate in KiB/s, or 0
  busy = 1,     // it has none any more
  grant = 2,    // the receiver may ask for the blocks of this piece, or of any_piece it chooses
  decline = 3,  // the receiver's grant of this piece (or any_piece) is not taken up
  ending = 4,   // little of this piece is left to arrive: its upload slot may be promised on
  claim = 5,    // to rack mates: the sender fetches this piece from outside the rack
  unclaim = 6,  // it does not any more
};

struct GrantMessage {
  GrantKind kind = GrantKind::free;
  uint32_t value = 0;

  bool operator==(const GrantMessage&) const = default;
};

[[nodiscard]] std::array<uint8_t, grant_message_bytes> encode_grant_message(
    const GrantMessage& message);

// nullopt when the length is wrong. A kind that is not listed above is to be skipped.
[[nodiscard]] std::optional<GrantMessage> decode_grant_message(std::span<const uint8_t> payload);

}  // namespace murder::codec
