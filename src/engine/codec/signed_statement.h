// A statement about a release and its signatures, as they travel in a torrent: outside of the info
// dictionary, so that the info hash stays and stock clients pass over them. What they mean is read
// by engine/trust.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/codec/bencode.h"

namespace murder::codec {

inline constexpr std::string_view signed_statement_key = "signed release";

struct SignedStatement {
  std::string text;                     // byte for byte what was signed
  std::vector<std::string> signatures;  // SSHSIG blobs, without armour

  bool operator==(const SignedStatement&) const = default;
};

// Of a torrent's outer dictionary. nullopt when it has none, or one beyond its bounds.
[[nodiscard]] std::optional<SignedStatement> signed_statement_of(const BencodeValue& torrent);

// The value of signed_statement_key.
void write_signed_statement(BencodeWriter& writer, const SignedStatement& signed_statement);

// The torrent with this in place of what it has; all other values stay byte for byte.
[[nodiscard]] Result<std::string> with_signed_statement(std::span<const uint8_t> torrent,
                                                        const SignedStatement& signed_statement);

}  // namespace murder::codec
