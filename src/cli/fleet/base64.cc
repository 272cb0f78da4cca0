#include "cli/fleet/base64.h"

#include <openssl/evp.h>

#include <climits>
#include <cstdint>

namespace murder::fleet {
namespace {

constexpr size_t encoded_bytes_max = INT_MAX;  // what OpenSSL takes at a time

const uint8_t* octets_of(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

Result<std::string> decode_base64(std::string_view text) {
  std::string digits;
  digits.reserve(text.size());
  for (const char each : text) {
    if (each != '\n' && each != '\r') {
      digits += each;
    }
  }
  if (digits.size() % 4 != 0) {
    return fail(ErrorCode::invalid_input, "this base64 text is cut short");
  }
  if (digits.size() > encoded_bytes_max) {
    return fail(ErrorCode::limit, "this base64 text is too long");
  }
  // OpenSSL passes over blanks at both ends, and takes '=' for a digit anywhere.
  const size_t end = digits.find_last_not_of('=') + 1;
  const size_t padding_count = digits.size() - end;
  if (padding_count > 2 || digits.find_first_of(" \t=") < end) {
    return fail(ErrorCode::invalid_input, "this is not base64");
  }
  std::string bytes(digits.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<uint8_t*>(bytes.data()), octets_of(digits),
                                   static_cast<int>(digits.size()));
  if (size < 0) {
    return fail(ErrorCode::invalid_input, "this is not base64");
  }
  bytes.resize(static_cast<size_t>(size) - padding_count);
  return bytes;
}

std::string encode_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '\0');
  // It ends what it writes with a zero, which is where the string has one.
  EVP_EncodeBlock(reinterpret_cast<uint8_t*>(text.data()), octets_of(bytes),
                  static_cast<int>(bytes.size()));
  return text;
}

}  // namespace murder::fleet
