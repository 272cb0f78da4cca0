#include "engine/base/rack.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/bounds.h"

namespace murder {

namespace {

bool is_rack_character(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') ||
         std::string_view("._-:/").find(character) != std::string_view::npos;
}

}  // namespace

bool is_rack_name(std::string_view text) {
  return !text.empty() && text.size() <= limits::rack_name_bytes_max && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), is_rack_character);
}

Status validate_rack_name(std::string_view text) {
  if (is_rack_name(text)) {
    return {};
  }
  return fail(
      ErrorCode::invalid_input,
      fmt::format("'{}' is not the name of a rack: 1 to {} letters, digits and . _ - : / with "
                  "no - in front",
                  text, limits::rack_name_bytes_max));
}

}  // namespace murder
