#include "engine/base/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "engine/base/utf8.h"

namespace murder {

namespace {

// Not for well-formed UTF-8 alone: the length that the leading byte states, 1 for any other byte.
size_t length_by_lead(char first) {
  const auto lead = static_cast<uint8_t>(first);
  if (lead >= 0xF0) {
    return 4;
  }
  if (lead >= 0xE0) {
    return 3;
  }
  return lead >= 0xC0 ? 2 : 1;
}

uint32_t code_point_of(std::string_view character) {
  if (character.size() == 1) {
    return static_cast<uint8_t>(character[0]);
  }
  uint32_t code = static_cast<uint8_t>(character[0]) & (0xFFU >> (character.size() + 1));
  for (const char each : character.substr(1)) {
    code = code << 6U | (static_cast<uint8_t>(each) & 0x3FU);
  }
  return code;
}

bool steers(uint32_t code) {
  const bool is_control = code < 0x20 || (code >= 0x7F && code <= 0x9F);
  const bool separates_lines = code == 0x2028 || code == 0x2029;
  // Bidirectional marks, embeddings, overrides and isolates (Unicode Standard Annex 9).
  const bool turns_direction = code == 0x061C || code == 0x200E || code == 0x200F ||
                               (code >= 0x202A && code <= 0x202E) ||
                               (code >= 0x2066 && code <= 0x2069);
  return is_control || separates_lines || turns_direction;
}

void append_escape(std::string& out, uint32_t code) {
  switch (code) {
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      break;
  }
  if (code < 0x20) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", code);
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", code);
  }
}

// How many bytes at the front are ASCII that stays as it is.
size_t plain_bytes(std::string_view text, bool is_value) {
  const auto plain = [is_value](char each) {
    return each >= ' ' && each < 0x7F && (!is_value || each != '\\');
  };
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), plain) - text.begin());
}

std::string escaped(std::string_view text, bool is_value) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t plain = plain_bytes(text, is_value);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) {
      break;
    }
    const size_t length = std::min(length_by_lead(text[0]), text.size());
    const std::string_view character = text.substr(0, length);
    if (!is_utf8(character)) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<uint8_t>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    const uint32_t code = code_point_of(character);
    if (is_value && code == '\\') {
      out += "\\\\";
    } else if (steers(code) && (is_value || (code != '\n' && code != '\t'))) {
      append_escape(out, code);
    } else {
      out += character;
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace

std::string printable_value(std::string_view text) {
  return escaped(text, /*is_value=*/true);
}

std::string printable_lines(std::string_view text) {
  return escaped(text, /*is_value=*/false);
}

}  // namespace murder
