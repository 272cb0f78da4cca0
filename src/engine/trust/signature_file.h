// The file beside a torrent, NAME.torrent.sig: the statement, and behind it its signatures as
// ssh-keygen writes them. It says the same as the torrent's own key (codec/signed_statement.h).
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/codec/signed_statement.h"

namespace murder::trust {

inline constexpr std::string_view signature_file_suffix = ".sig";

[[nodiscard]] std::string encode_signature_file(const codec::SignedStatement& signed_statement);

// What is not such a file is an Error; nothing is verified.
[[nodiscard]] Result<codec::SignedStatement> parse_signature_file(std::string_view text);

// Adds a signature, unless the same key's is there already: then it takes its place. Errors: it is
// not a signature, or there are too many.
[[nodiscard]] Status add_signature(codec::SignedStatement& signed_statement, std::string blob);

}  // namespace murder::trust
