#include "engine/base/utf8.h"

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

Utf8Step next_utf8(std::string_view text) {
  Sequence sequence;
  if (!sequence_of(static_cast<uint8_t>(text[0]), &sequence)) {
    return {.bytes = 1, .is_valid = false};
  }
  for (size_t step = 1; step <= sequence.following; ++step) {
    const uint8_t byte_min = step == 1 ? sequence.second_min : 0x80;
    const uint8_t byte_max = step == 1 ? sequence.second_max : 0xBF;
    if (step == text.size() || static_cast<uint8_t>(text[step]) < byte_min ||
        static_cast<uint8_t>(text[step]) > byte_max) {
      return {.bytes = step, .is_valid = false};
    }
  }
  return {.bytes = 1 + sequence.following, .is_valid = true};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Utf8Step step = next_utf8(text);
    if (!step.is_valid) {
      return false;
    }
    text.remove_prefix(step.bytes);
  }
  return true;
}

}  // namespace murder
