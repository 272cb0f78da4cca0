// Public keys as lines of text, as they stand in ID.pub, authorized_keys and known_hosts: the name
// of the type, base64 of the key, and perhaps a comment.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/trust/public_key.h"

namespace murder::trust {

// From the first two words of a line.
[[nodiscard]] Result<PublicKey> parse_key_words(std::string_view type_name,
                                                std::string_view base64);
// From a whole line, with blanks between the words and a comment or none. Options in front of the
// key are not accepted.
[[nodiscard]] Result<PublicKey> parse_key_line(std::string_view line);
// Without a comment or a line end.
[[nodiscard]] std::string key_line_of(const PublicKey& key);

}  // namespace murder::trust
