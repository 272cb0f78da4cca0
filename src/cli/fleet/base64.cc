#include "cli/fleet/base64.h"

#include <cstdint>

namespace murder::fleet {
namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// 64 for what is no digit.
uint32_t value_of(char digit) {
  const size_t value = digits.find(digit);
  return value == std::string_view::npos ? 64 : static_cast<uint32_t>(value);
}

}  // namespace

Result<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  uint32_t digit_count = 0;
  uint32_t padding_count = 0;
  for (const char digit : text) {
    if (digit == '\n' || digit == '\r') {
      continue;
    }
    const uint32_t value = digit == '=' ? 0 : value_of(digit);
    padding_count += digit == '=' ? 1 : 0;
    if (value > 63 || (padding_count > 0 && digit != '=') || padding_count > 2) {
      return fail(ErrorCode::invalid_input, "this is not base64");
    }
    bits = bits << 6U | value;
    if (++digit_count % 4 == 0) {
      bytes += static_cast<char>(bits >> 16U & 0xFFU);
      bytes += static_cast<char>(bits >> 8U & 0xFFU);
      bytes += static_cast<char>(bits & 0xFFU);
      bits = 0;
    }
  }
  if (digit_count % 4 != 0) {
    return fail(ErrorCode::invalid_input, "this base64 text is cut short");
  }
  for (; padding_count > 0; --padding_count) {
    bytes.pop_back();
  }
  return bytes;
}

std::string encode_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t index = 0; index < bytes.size(); index += 3) {
    const std::string_view part = bytes.substr(index, 3);
    uint32_t bits = 0;
    for (size_t place = 0; place < 3; ++place) {
      bits = bits << 8U | (place < part.size() ? static_cast<uint8_t>(part[place]) : 0U);
    }
    for (size_t place = 0; place < 4; ++place) {
      text += place <= part.size() ? digits[bits >> (18 - 6 * place) & 0x3FU] : '=';
    }
  }
  return text;
}

}  // namespace murder::fleet
