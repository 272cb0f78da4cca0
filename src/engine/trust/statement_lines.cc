#include "engine/trust/statement_lines.h"

#include <algorithm>
#include <charconv>

#include "engine/trust/time_text.h"

namespace murder::trust {

std::optional<std::string_view> StatementLines::line() {
  const size_t end = rest_.find('\n');
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return line;
}

std::optional<std::string_view> StatementLines::value_of(std::string_view field) {
  const std::string_view before = rest_;
  const std::optional<std::string_view> found = line();
  if (found && found->size() > field.size() && found->starts_with(field) &&
      (*found)[field.size()] == ' ') {
    return found->substr(field.size() + 1);
  }
  rest_ = before;
  return std::nullopt;
}

std::string_view StatementLines::wanted(std::string_view field) {
  const std::optional<std::string_view> value = value_of(field);
  if (!value && missing_.empty()) {
    missing_ = field;
  }
  return value.value_or("");
}

std::optional<uint64_t> parse_statement_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > statement_number_max ||
      (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  return value;
}

std::optional<InfoHash> parse_statement_info_hash(std::string_view text) {
  const std::optional<InfoHash> info_hash = InfoHash::from_hex(text);
  return info_hash && info_hash->hex() == text ? info_hash : std::nullopt;
}

bool is_statement_name(std::string_view text, size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max &&
         std::ranges::all_of(text, [](char each) { return each > ' ' && each < '\x7f'; });
}

bool is_statement_time(int64_t seconds) {
  return seconds >= 0 && parse_time_text(time_text_of(static_cast<uint64_t>(seconds))) == seconds;
}

}  // namespace murder::trust
