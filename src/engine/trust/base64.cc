#include "engine/trust/base64.h"

#include <cstdint>

namespace murder::trust {
namespace {

constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<uint32_t> value_of_digit(char digit) {
  if (digit >= 'A' && digit <= 'Z') {
    return static_cast<uint32_t>(digit - 'A');
  }
  if (digit >= 'a' && digit <= 'z') {
    return static_cast<uint32_t>(digit - 'a' + 26);
  }
  if (digit >= '0' && digit <= '9') {
    return static_cast<uint32_t>(digit - '0' + 52);
  }
  if (digit == '+' || digit == '/') {
    return digit == '+' ? 62 : 63;
  }
  return std::nullopt;
}

bool is_blank(char each) {
  return each == ' ' || each == '\t' || each == '\n' || each == '\r';
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  uint32_t bit_count = 0;
  uint32_t padding_count = 0;
  size_t digit_count = 0;
  for (const char each : text) {
    if (is_blank(each)) {
      continue;
    }
    ++digit_count;
    if (each == '=') {
      ++padding_count;
      continue;
    }
    const std::optional<uint32_t> value = value_of_digit(each);
    if (!value || padding_count > 0) {
      return std::nullopt;
    }
    bits = bits << 6U | *value;
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes.push_back(static_cast<char>(bits >> bit_count & 0xFFU));
      bits &= (1U << bit_count) - 1;
    }
  }
  if (digit_count % 4 != 0 || padding_count > 2 || bits != 0 || bit_count != 2 * padding_count) {
    return std::nullopt;
  }
  return bytes;
}

std::string encode_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t begin = 0; begin < bytes.size(); begin += 3) {
    const std::string_view part = bytes.substr(begin, 3);
    uint32_t bits = 0;
    for (size_t index = 0; index < 3; ++index) {
      bits = bits << 8U | (index < part.size() ? static_cast<uint8_t>(part[index]) : 0U);
    }
    for (size_t index = 0; index < 4; ++index) {
      text.push_back(index <= part.size() ? base64_digits[bits >> (18 - 6 * index) & 63U] : '=');
    }
  }
  return text;
}

}  // namespace murder::trust
