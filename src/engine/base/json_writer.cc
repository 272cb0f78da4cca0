#include "engine/base/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>

#include "engine/base/utf8.h"

namespace murder {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

// Beyond these a number is written with an exponent.
constexpr int point_min = -4;
constexpr int point_max = 15;

// What stands for a character that must not stand for itself; "" when it may.
std::string_view short_escape(char character) {
  switch (character) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\t':
      return "\\t";
    case '\n':
      return "\\n";
    case '\f':
      return "\\f";
    case '\r':
      return "\\r";
    default:
      return {};
  }
}

// 0.DIGITS times ten to the power of `point`, which is above zero.
std::string number_text(std::string_view digits, int point) {
  const auto count = static_cast<int>(digits.size());
  std::string text;
  if (count <= point && point <= point_max) {
    text.append(digits).append(static_cast<size_t>(point - count), '0').append(".0");
  } else if (0 < point && point <= point_max) {
    const auto whole = static_cast<size_t>(point);
    text.append(digits.substr(0, whole)).append(".").append(digits.substr(whole));
  } else if (point_min < point && point <= 0) {
    text.append("0.").append(static_cast<size_t>(-point), '0').append(digits);
  } else {
    text.append(digits.substr(0, 1)).append(count > 1 ? "." : "").append(digits.substr(1));
    const int exponent = point - 1;
    text += fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  return text;
}

}  // namespace

void JsonWriter::begin(char bracket) {
  put({&bracket, 1});
  needs_comma_ = false;
}

void JsonWriter::end(char bracket) {
  out_ += bracket;
  needs_comma_ = true;
}

void JsonWriter::put(std::string_view value) {
  if (needs_comma_) {
    out_ += ',';
  }
  out_ += value;
  needs_comma_ = true;
}

void JsonWriter::key(std::string_view name) {
  text(name);
  out_ += ':';
  needs_comma_ = false;
}

void JsonWriter::put_signed(int64_t value) {
  put(std::to_string(value));
}

void JsonWriter::put_unsigned(uint64_t value) {
  put(std::to_string(value));
}

void JsonWriter::number(double value) {
  if (!std::isfinite(value)) {
    null();
    return;
  }
  if (value == 0) {
    put(std::signbit(value) ? "-0.0" : "0.0");
    return;
  }
  // D.DDDDe+XX, of which the point goes.
  std::array<char, 40> buffer;
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value),
                                     std::chars_format::scientific);
  const std::string_view all(buffer.data(), static_cast<size_t>(written.ptr - buffer.data()));
  const size_t mark = all.find('e');
  std::string digits(all.substr(0, mark));
  std::erase(digits, '.');
  const bool is_small = all[mark + 1] == '-';
  int exponent = 0;
  std::from_chars(all.data() + mark + 2, all.data() + all.size(), exponent);
  put((value < 0 ? "-" : "") + number_text(digits, (is_small ? -exponent : exponent) + 1));
}

void JsonWriter::decimal(double value, int digits) {
  if (std::isfinite(value)) {
    put(fmt::format("{:.{}f}", value, digits));
  } else {
    null();
  }
}

void JsonWriter::text(std::string_view value) {
  put("\"");
  append_escaped(value);
  out_ += '"';
}

void JsonWriter::append_escaped(std::string_view value) {
  while (!value.empty()) {
    const Utf8Step step = next_utf8(value);
    const char first = value[0];
    if (!step.is_valid) {
      out_ += replacement;
    } else if (const std::string_view escape = short_escape(first); !escape.empty()) {
      out_ += escape;
    } else if (static_cast<uint8_t>(first) < 0x20) {
      fmt::format_to(std::back_inserter(out_), "\\u{:04x}", static_cast<uint8_t>(first));
    } else {
      out_ += value.substr(0, step.bytes);
    }
    value.remove_prefix(step.bytes);
  }
}

}  // namespace murder
