#include "engine/codec/grant_message.h"

#include <doctest/doctest.h>

#include <vector>

using murder::codec::any_piece;
using murder::codec::decode_grant_message;
using murder::codec::encode_grant_message;
using murder::codec::GrantKind;
using murder::codec::GrantMessage;

TEST_CASE("a grant message reads back as it was written") {
  for (const GrantKind kind :
       {GrantKind::free, GrantKind::busy, GrantKind::grant, GrantKind::decline, GrantKind::ending,
        GrantKind::claim, GrantKind::unclaim, static_cast<GrantKind>(200)}) {
    for (const uint32_t value : {0U, 1U, 0x01020304U, any_piece}) {
      const GrantMessage message{.kind = kind, .value = value};
      CHECK(decode_grant_message(encode_grant_message(message)) == message);
    }
  }
  const auto wire = encode_grant_message({.kind = GrantKind::grant, .value = 0x01020304});
  CHECK(std::vector<uint8_t>(wire.begin(), wire.end()) == std::vector<uint8_t>{2, 1, 2, 3, 4});
}

TEST_CASE("a grant message of another length is none") {
  for (const size_t size : {0U, 1U, 4U, 6U, 100U}) {
    CHECK_FALSE(decode_grant_message(std::vector<uint8_t>(size, 2)).has_value());
  }
}
