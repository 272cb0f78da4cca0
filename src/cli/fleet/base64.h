// Base64 (RFC 4648) as the tool of that name writes it: in lines.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::fleet {

// Line breaks are passed over; anything else that does not belong there is an Error.
[[nodiscard]] Result<std::string> decode_base64(std::string_view text);

// In one line.
[[nodiscard]] std::string encode_base64(std::string_view bytes);

}  // namespace murder::fleet
