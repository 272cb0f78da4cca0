#include "engine/base/utf8.h"

#include <cstddef>
#include <cstdint>

namespace murder {

namespace {

// How many bytes follow a leading byte, and the range of the first of them (RFC 3629, section 4).
struct Sequence {
  size_t following = 0;
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xBF;
};

bool sequence_of(uint8_t leading, Sequence* ret_sequence) {
  if (leading < 0x80) {
    *ret_sequence = {.following = 0};
  } else if (leading >= 0xC2 && leading <= 0xDF) {
    *ret_sequence = {.following = 1};
  } else if (leading >= 0xE0 && leading <= 0xEF) {
    *ret_sequence = {.following = 2,
                     .second_min = static_cast<uint8_t>(leading == 0xE0 ? 0xA0 : 0x80),
                     .second_max = static_cast<uint8_t>(leading == 0xED ? 0x9F : 0xBF)};
  } else if (leading >= 0xF0 && leading <= 0xF4) {
    *ret_sequence = {.following = 3,
                     .second_min = static_cast<uint8_t>(leading == 0xF0 ? 0x90 : 0x80),
                     .second_max = static_cast<uint8_t>(leading == 0xF4 ? 0x8F : 0xBF)};
  } else {
    return false;
  }
  return true;
}

}  // namespace

bool is_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    Sequence sequence;
    if (!sequence_of(static_cast<uint8_t>(text[at]), &sequence) ||
        text.size() - at <= sequence.following) {
      return false;
    }
    for (size_t step = 1; step <= sequence.following; ++step) {
      const auto byte = static_cast<uint8_t>(text[at + step]);
      const uint8_t byte_min = step == 1 ? sequence.second_min : 0x80;
      const uint8_t byte_max = step == 1 ? sequence.second_max : 0xBF;
      if (byte < byte_min || byte > byte_max) {
        return false;
      }
    }
    at += 1 + sequence.following;
  }
  return true;
}

}  // namespace murder
