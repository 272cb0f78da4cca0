#include "engine/trust/wire.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::trust {
namespace {

uint64_t big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char each : bytes) {
    value = value << 8U | static_cast<uint8_t>(each);
  }
  return value;
}

bool is_negative(std::string_view number) {
  return !number.empty() && (static_cast<uint8_t>(number.front()) & 0x80U) != 0;
}

}  // namespace

std::optional<std::string_view> WireReader::take(size_t bytes) {
  if (rest_.size() < bytes) {
    rest_ = {};
    return std::nullopt;
  }
  const std::string_view taken = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return taken;
}

std::optional<uint8_t> WireReader::byte() {
  const auto bytes = take(1);
  return bytes ? std::optional(static_cast<uint8_t>(bytes->front())) : std::nullopt;
}

std::optional<uint32_t> WireReader::uint32() {
  const auto bytes = take(4);
  return bytes ? std::optional(static_cast<uint32_t>(big_endian(*bytes))) : std::nullopt;
}

std::optional<uint64_t> WireReader::uint64() {
  const auto bytes = take(8);
  return bytes ? std::optional(big_endian(*bytes)) : std::nullopt;
}

std::optional<std::string_view> WireReader::string() {
  const auto size = uint32();
  return size ? take(*size) : std::nullopt;
}

std::optional<std::string_view> WireReader::canonical_number() {
  auto digits = string();
  if (!digits || digits->empty() || is_negative(*digits)) {
    return std::nullopt;
  }
  if (digits->front() == '\0') {
    digits->remove_prefix(1);
    if (!is_negative(*digits)) {  // the zero was not needed
      return std::nullopt;
    }
  }
  return digits;
}

std::optional<std::string_view> WireReader::number() {
  auto digits = string();
  if (!digits || is_negative(*digits)) {
    return std::nullopt;
  }
  digits->remove_prefix(std::min(digits->find_first_not_of('\0'), digits->size()));
  return digits->empty() ? std::nullopt : digits;
}

void append_uint32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

void append_string(std::string& out, std::string_view bytes) {
  ENSURE(bytes.size() <= UINT32_MAX);
  append_uint32(out, static_cast<uint32_t>(bytes.size()));
  out.append(bytes);
}

}  // namespace murder::trust
