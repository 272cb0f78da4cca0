// Whether bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most
// U+10FFFF).
#pragma once

#include <string_view>

namespace murder {

[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace murder
