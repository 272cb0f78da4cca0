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

}  // namespace

std::string presentable_name(std::string_view name, size_t bytes_max) {
  const bool is_text = is_utf8(name);
  size_t size = std::min(name.size(), bytes_max);
  while (is_text && size < name.size() && size > 0 && is_continuation(name[size])) {
    --size;  // not within a character
  }
  std::string result(name.substr(0, size));
  for (char& character : result) {
    if (is_control(character) || (!is_text && !is_ascii(character))) {
      character = '?';
    }
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
