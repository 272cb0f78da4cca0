#include "tracker/text.h"

#include <algorithm>
#include <cstdint>

#include "engine/base/utf8.h"

namespace murder::tracker {

namespace {

bool is_control(char character) {
  return static_cast<uint8_t>(character) < 0x20 || character == 0x7F;
}

bool is_ascii(char character) {
  return static_cast<uint8_t>(character) < 0x80;
}

bool is_continuation(char character) {
  return (static_cast<uint8_t>(character) & 0xC0U) == 0x80;
}

// The bytes of the character at `at` when it is one that acts on the text around it: C1 controls,
// U+200E to U+200F, U+2028 to U+202E, U+2066 to U+2069, U+FEFF; else 0. Of well-formed UTF-8.
size_t acting_bytes(std::string_view text, size_t at) {
  const auto byte = [&](size_t index) { return static_cast<uint8_t>(text[at + index]); };
  if (byte(0) == 0xC2 && byte(1) < 0xA0) {
    return 2;
  }
  if (byte(0) == 0xE2 && byte(1) == 0x80 &&
      (byte(2) == 0x8E || byte(2) == 0x8F || (byte(2) >= 0xA8 && byte(2) <= 0xAE))) {
    return 3;
  }
  const bool is_isolate = byte(0) == 0xE2 && byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;
  const bool is_mark = byte(0) == 0xEF && byte(1) == 0xBB && byte(2) == 0xBF;
  return is_isolate || is_mark ? 3 : 0;
}

}  // namespace

std::string presentable_name(std::string_view name, size_t bytes_max) {
  const bool is_text = is_utf8(name);
  size_t size = std::min(name.size(), bytes_max);
  while (is_text && size < name.size() && size > 0 && is_continuation(name[size])) {
    --size;  // not within a character
  }
  name = name.substr(0, size);
  std::string result;
  result.reserve(size);
  for (size_t at = 0; at < size;) {
    const size_t acting = is_text && !is_ascii(name[at]) ? acting_bytes(name, at) : 0;
    const bool is_bad = is_control(name[at]) || (!is_text && !is_ascii(name[at])) || acting > 0;
    result.push_back(is_bad ? '?' : name[at]);
    at += std::max<size_t>(acting, 1);
  }
  return result;
}

}  // namespace murder::tracker
