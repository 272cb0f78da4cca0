#include "tracker/text.h"

#include <cstdint>

#include "engine/base/bounds.h"

namespace murder::tracker {

namespace {

// Bytes of the UTF-8 sequence that `text` starts with (RFC 3629); 0 when it starts with none.
size_t utf8_sequence_bytes(std::string_view text) {
  const auto byte = [&](size_t index) { return static_cast<uint8_t>(text[index]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) {
    return 0;
  }
  for (size_t index = 1; index < length; ++index) {
    if ((byte(index) & 0xC0U) != 0x80) {
      return 0;
    }
  }
  // Over-long forms, surrogates, and what is beyond U+10FFFF.
  const bool is_outside = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) ||
                          (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F);
  return is_outside ? 0 : length;
}

bool is_control(char character) {
  return static_cast<uint8_t>(character) < 0x20 || character == 0x7F;
}

}  // namespace

std::string presentable_name(std::string_view name) {
  std::string result;
  while (!name.empty()) {
    const size_t length = utf8_sequence_bytes(name);
    const size_t used = length == 0 ? 1 : length;
    if (result.size() + used > limits::tracker_swarm_name_bytes_max) {
      break;
    }
    if (length == 0 || is_control(name[0])) {
      result.push_back('?');
    } else {
      result.append(name.substr(0, used));
    }
    name.remove_prefix(used);
  }
  return result;
}

void append_html_escaped(std::string& out, std::string_view text) {
  for (const char character : text) {
    switch (character) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out.push_back(character);
    }
  }
}

void append_json_escaped(std::string& out, std::string_view text) {
  for (const char character : text) {
    if (character == '"' || character == '\\') {
      out.push_back('\\');
    }
    out.push_back(character);
  }
}

}  // namespace murder::tracker
