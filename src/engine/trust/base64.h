// Base64 (RFC 4648) as it stands in keys and armoured signatures.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace murder::trust {

// Blanks and line breaks are passed over. nullopt for anything else that does not belong there:
// missing or surplus padding, bits that are left over.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

// In one line, padded.
[[nodiscard]] std::string encode_base64(std::string_view bytes);

}  // namespace murder::trust
