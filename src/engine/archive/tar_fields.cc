#include "engine/archive/tar_fields.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace murder::archive {

namespace {

std::optional<int64_t> base256_number(std::string_view field) {
  const bool is_negative = (static_cast<unsigned char>(field[0]) & 0x40U) != 0;
  // Two's complement, whose first bit is the mark.
  uint64_t value = is_negative ? ~uint64_t{0} : 0;
  for (size_t index = 0; index < field.size(); ++index) {
    auto byte = static_cast<unsigned char>(field[index]);
    if (index == 0) {
      byte = static_cast<unsigned char>(is_negative ? byte | 0x80U : byte & 0x7FU);
    }
    const auto signed_value = static_cast<int64_t>(value);
    if (signed_value > (INT64_MAX >> 8) || signed_value < (INT64_MIN >> 8)) {
      return std::nullopt;
    }
    value = (value << 8U) | byte;
  }
  return static_cast<int64_t>(value);
}

}  // namespace

std::optional<int64_t> tar_number(std::string_view field) {
  if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80U) != 0) {
    return base256_number(field);
  }
  // One NUL in front is what some programs write in place of a blank.
  field.remove_prefix(!field.empty() && field.front() == '\0' ? 1 : 0);
  size_t at = field.find_first_not_of(" \t\n\v\f\r");
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  uint64_t value = 0;
  for (; at < field.size() && field[at] >= '0' && field[at] <= '7'; ++at) {
    if (value > (uint64_t{INT64_MAX} >> 3U)) {
      return std::nullopt;
    }
    value = value * 8 + static_cast<uint64_t>(field[at] - '0');
  }
  // What ends it may be followed by anything, as GNU tar has it.
  if (at < field.size() && field[at] != ' ' && field[at] != '\0') {
    return std::nullopt;
  }
  return static_cast<int64_t>(value);
}

std::string_view tar_text(std::string_view field) {
  return field.substr(0, field.find('\0'));
}

std::string tar_name(const UstarBlock& block) {
  const std::string_view name = tar_text(tar_field(block.name));
  const std::string_view prefix = tar_text(tar_field(block.prefix));
  const bool is_posix = std::memcmp(block.magic, "ustar", sizeof(block.magic)) == 0;
  if (!is_posix || prefix.empty()) {
    return std::string(name);
  }
  return std::string(prefix) + "/" + std::string(name);
}

bool has_right_checksum(const UstarBlock& block) {
  const std::optional<int64_t> told = tar_number(tar_field(block.checksum));
  const auto* bytes = reinterpret_cast<const unsigned char*>(&block);
  constexpr size_t begin = offsetof(UstarBlock, checksum);
  constexpr size_t end = begin + sizeof(block.checksum);
  int64_t unsigned_sum = 0;
  int64_t signed_sum = 0;
  for (size_t index = 0; index < sizeof(block); ++index) {
    const unsigned char byte = index >= begin && index < end ? ' ' : bytes[index];
    unsigned_sum += byte;
    signed_sum += static_cast<signed char>(byte);
  }
  return told && (*told == unsigned_sum || *told == signed_sum);
}

bool is_zero_block(const UstarBlock& block) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&block);
  return std::all_of(bytes, bytes + sizeof(block), [](unsigned char byte) { return byte == 0; });
}

}  // namespace murder::archive
