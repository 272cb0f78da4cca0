#include "engine/control/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/printable.h"
#include "engine/base/utf8.h"
#include "engine/control/bounds.h"

namespace murder::control {
namespace {

bool is_name(std::string_view text, size_t bytes_max) {
  constexpr std::string_view alphabet =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:/";
  return !text.empty() && text.size() <= bytes_max && text.front() != '-' &&
         text.find_first_not_of(alphabet) == std::string_view::npos;
}

Status refuse(std::string_view text, std::string_view what, size_t bytes_max) {
  return fail(ErrorCode::invalid_input,
              fmt::format("{} \"{}\": 1 to {} letters, digits and . _ - : /, no '-' in front", what,
                          printable_value(text.substr(0, 40)), bytes_max));
}

}  // namespace

Status validate_name(std::string_view text, std::string_view what) {
  if (!is_name(text, limits::control_name_bytes_max)) {
    return refuse(text, what, limits::control_name_bytes_max);
  }
  return {};
}

Status validate_host(std::string_view text) {
  if (!is_name(text, limits::control_host_bytes_max)) {
    return refuse(text, "host", limits::control_host_bytes_max);
  }
  return {};
}

Status validate_who(std::string_view text, std::string_view what) {
  if (text.empty() || text.size() > limits::control_who_bytes_max || !is_utf8(text) ||
      text.find_first_of("\n\t") != std::string_view::npos || printable_lines(text) != text) {
    return fail(ErrorCode::invalid_input, fmt::format("{}: 1 to {} bytes of printable text", what,
                                                      limits::control_who_bytes_max));
  }
  return {};
}

namespace {

std::string cut_text(std::string shown) {
  size_t size = std::min<size_t>(shown.size(), limits::control_text_bytes_max);
  // Not in the middle of a character.
  while (size > 0 && size < shown.size() && (static_cast<uint8_t>(shown[size]) & 0xC0U) == 0x80U) {
    --size;
  }
  shown.resize(size);
  return shown;
}

}  // namespace

bool is_signed_text(std::string_view text) {
  return !text.empty() && text.size() <= limits::control_signed_bytes_max &&
         std::all_of(text.begin(), text.end(),
                     [](char each) { return (each >= ' ' && each <= '~') || each == '\n'; });
}

std::string bounded_text(std::string_view text) {
  const std::string_view looked_at = text.substr(0, 2 * limits::control_text_bytes_max);
  const bool is_fit = text.find_first_of("\n\t") == std::string_view::npos &&
                      printable_lines(looked_at) == looked_at;
  return cut_text(is_fit ? std::string(looked_at)
                         : printable_value(text.substr(0, limits::control_text_bytes_max)));
}

}  // namespace murder::control
