#include "engine/base/tag.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/bounds.h"
#include "engine/base/utf8.h"

namespace murder {

namespace {

// The record of a directory of releases, its lock, and what is still being written.
constexpr std::string_view reserved_mark = ".murder-";

bool is_control(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return byte < 0x20 || byte == 0x7F;
}

}  // namespace

Status validate_tag(std::string_view tag) {
  if (tag.empty()) {
    return fail(ErrorCode::invalid_input, "the tag is empty: name the release, as in --tag v42");
  }
  if (tag.size() > limits::tag_bytes_max) {
    return fail(ErrorCode::invalid_input, fmt::format("the tag has {} bytes: {} are the most",
                                                      tag.size(), limits::tag_bytes_max));
  }
  if (!is_utf8(tag)) {
    return fail(ErrorCode::invalid_input, "the tag is not UTF-8 text");
  }
  if (std::any_of(tag.begin(), tag.end(), is_control)) {
    return fail(ErrorCode::invalid_input, "the tag contains a control character");
  }
  if (tag == "." || tag == "..") {
    return fail(ErrorCode::invalid_input,
                fmt::format("the tag \"{}\" names a directory: choose another", tag));
  }
  if (tag.find('/') != std::string_view::npos) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the tag \"{}\" contains a '/': it must be one file name", tag));
  }
  if (tag.find(reserved_mark) != std::string_view::npos) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the tag \"{}\" contains \"{}\", as files of murder itself beside "
                            "releases do: choose another",
                            tag, reserved_mark));
  }
  if (tag.front() == '-') {
    return fail(ErrorCode::invalid_input,
                fmt::format("the tag \"{}\" starts with '-' and would read as an option", tag));
  }
  return {};
}

}  // namespace murder
