// The fields of a tar header block: numbers and texts. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/archive/tar_block.h"

namespace murder::archive {

// Octal digits between blanks and NULs, or (the first bit set) GNU's base 256, which may be
// negative. NULs alone are 0, blanks alone are not a number, as GNU tar has it.
[[nodiscard]] std::optional<int64_t> tar_number(std::string_view field);

// Up to its NUL.
[[nodiscard]] std::string_view tar_text(std::string_view field);

template <size_t field_bytes>
[[nodiscard]] std::string_view tar_field(const char (&field)[field_bytes]) {
  return {field, field_bytes};
}

// The name with its prefix, which only POSIX's format has.
[[nodiscard]] std::string tar_name(const UstarBlock& block);

// Whether the checksum is right, as unsigned or (as some made it) signed characters.
[[nodiscard]] bool has_right_checksum(const UstarBlock& block);

[[nodiscard]] bool is_zero_block(const UstarBlock& block);

}  // namespace murder::archive
