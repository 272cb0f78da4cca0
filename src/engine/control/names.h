// Names that agents and operators bring along, checked before they are kept or shown. Pure.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::control {

// Of an app or a group: 1 to limits::control_name_bytes_max ASCII letters, digits and ". _ - : /".
[[nodiscard]] Status validate_name(std::string_view text, std::string_view what);
// The same alphabet, as long as a DNS name may be.
[[nodiscard]] Status validate_host(std::string_view text);
// An operator or an identity: not empty, UTF-8, nothing that would steer a terminal.
[[nodiscard]] Status validate_who(std::string_view text, std::string_view what);

// Lines of printable ASCII, at most limits::control_signed_bytes_max: what is signed, with its
// signatures.
[[nodiscard]] bool is_signed_text(std::string_view text);

// What went wrong, of somebody else's words: one line, printable, at most
// limits::control_text_bytes_max.
[[nodiscard]] std::string bounded_text(std::string_view text);

}  // namespace murder::control
