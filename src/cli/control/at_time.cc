#include "cli/control/at_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>

#include "engine/base/printable.h"
#include "engine/base/units.h"

namespace murder::cli {
namespace {

constexpr int64_t day_s = 86'400;
constexpr size_t text_bytes_max = 64;
constexpr int64_t ahead_days_max = 366;

int64_t local_seconds_of(const trust::CivilTime& time) {
  std::tm parts{};
  parts.tm_year = static_cast<int>(time.year - 1900);
  parts.tm_mon = static_cast<int>(time.month - 1);
  parts.tm_mday = static_cast<int>(time.day);
  parts.tm_hour = static_cast<int>(time.hour);
  parts.tm_min = static_cast<int>(time.minute);
  parts.tm_sec = static_cast<int>(time.second);
  parts.tm_isdst = -1;
  return std::mktime(&parts);
}

trust::CivilTime local_civil_of(int64_t seconds) {
  const auto time = static_cast<time_t>(seconds);
  std::tm parts{};
  localtime_r(&time, &parts);
  return {.year = parts.tm_year + int64_t{1900},
          .month = parts.tm_mon + int64_t{1},
          .day = parts.tm_mday,
          .hour = parts.tm_hour,
          .minute = parts.tm_min,
          .second = parts.tm_sec};
}

// Takes what stands in front of the rest of a text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }
  [[nodiscard]] char next() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool skip(char character) {
    const bool is_there = !rest_.empty() && rest_.front() == character;
    rest_.remove_prefix(is_there ? 1 : 0);
    return is_there;
  }
  // Exactly that many digits.
  std::optional<int64_t> digits(size_t count) {
    int64_t number = 0;
    for (size_t index = 0; index < count; ++index) {
      if (index >= rest_.size() || rest_[index] < '0' || rest_[index] > '9') {
        return std::nullopt;
      }
      number = 10 * number + (rest_[index] - '0');
    }
    rest_.remove_prefix(count);
    return number;
  }
  // What is written with one digit or two, as hours are.
  std::optional<int64_t> one_or_two_digits() {
    const bool has_two = rest_.size() > 1 && rest_[1] >= '0' && rest_[1] <= '9';
    return digits(has_two ? 2 : 1);
  }

 private:
  std::string_view rest_;
};

// "2:00", "02:00:30" into the time.
bool take_clock(Cursor& cursor, trust::CivilTime& time) {
  const std::optional<int64_t> hour = cursor.one_or_two_digits();
  if (!hour || !cursor.skip(':')) {
    return false;
  }
  const std::optional<int64_t> minute = cursor.digits(2);
  std::optional<int64_t> second = 0;
  if (minute && cursor.skip(':')) {
    second = cursor.digits(2);
  }
  if (!minute || !second || *hour > 23 || *minute > 59 || *second > 59) {
    return false;
  }
  time.hour = *hour;
  time.minute = *minute;
  time.second = *second;
  return true;
}

// "2026-11-30"; a 31st of November is not one.
bool take_date(Cursor& cursor, trust::CivilTime& time) {
  const std::optional<int64_t> year = cursor.digits(4);
  const bool has_month = year && cursor.skip('-');
  const std::optional<int64_t> month = has_month ? cursor.digits(2) : std::nullopt;
  const bool has_day = month && cursor.skip('-');
  const std::optional<int64_t> day = has_day ? cursor.digits(2) : std::nullopt;
  if (!day || *year < 1970) {
    return false;
  }
  time.year = *year;
  time.month = *month;
  time.day = *day;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  return date.ok();
}

// "Z", "+01:00"; nothing: of this time zone.
bool take_zone(Cursor& cursor, std::optional<int64_t>& offset_s) {
  if (cursor.is_at_end()) {
    return true;
  }
  if (cursor.skip('Z') || cursor.skip('z')) {
    offset_s = 0;
    return true;
  }
  const bool is_west = cursor.next() == '-';
  if (!cursor.skip('+') && !cursor.skip('-')) {
    return false;
  }
  const std::optional<int64_t> hours = cursor.digits(2);
  cursor.skip(':');
  const std::optional<int64_t> minutes = cursor.digits(2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) {
    return false;
  }
  offset_s = (is_west ? -1 : 1) * (*hours * 3600 + *minutes * 60);
  return true;
}

std::optional<int64_t> parse_date_and_time(std::string_view text, const ZoneClock& zone) {
  Cursor cursor(text);
  trust::CivilTime time;
  std::optional<int64_t> offset_s;
  const bool has_date = take_date(cursor, time);
  const bool is_whole = has_date && (cursor.skip('T') || cursor.skip('t') || cursor.skip(' ')) &&
                        take_clock(cursor, time) && take_zone(cursor, offset_s) &&
                        cursor.is_at_end();
  if (!is_whole) {
    return std::nullopt;
  }
  return offset_s ? trust::seconds_of_utc(time) - *offset_s : zone.seconds_of(time);
}

// Of a day that begins `days` after today.
std::optional<int64_t> parse_clock(std::string_view text, int64_t now_s, int64_t days,
                                   const ZoneClock& zone) {
  Cursor cursor(text);
  trust::CivilTime time = zone.civil_of(now_s);
  time.day += days;
  if (!take_clock(cursor, time) || !cursor.is_at_end()) {
    return std::nullopt;
  }
  return zone.seconds_of(time);
}

bool take_word(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word) || text.size() <= word.size() || text[word.size()] != ' ') {
    return false;
  }
  text.remove_prefix(word.size() + 1);
  return true;
}

std::optional<int64_t> parse_any(std::string_view text, int64_t now_s, const ZoneClock& zone) {
  if (text == "now") {
    return now_s;
  }
  if (text.starts_with('+')) {
    const Result<Duration> later = parse_duration(text.substr(1));
    return later ? std::optional(now_s + std::chrono::ceil<std::chrono::seconds>(*later).count())
                 : std::nullopt;
  }
  if (take_word(text, "today")) {
    return parse_clock(text, now_s, 0, zone);
  }
  if (take_word(text, "tomorrow")) {
    return parse_clock(text, now_s, 1, zone);
  }
  if (const std::optional<int64_t> whole = parse_date_and_time(text, zone)) {
    return whole;
  }
  const std::optional<int64_t> today = parse_clock(text, now_s, 0, zone);
  return today && *today <= now_s ? parse_clock(text, now_s, 1, zone) : today;
}

std::optional<int64_t> parse_past(std::string_view text, int64_t now_s, const ZoneClock& zone) {
  if (text == "now") {
    return now_s;
  }
  if (take_word(text, "today")) {
    return parse_clock(text, now_s, 0, zone);
  }
  if (take_word(text, "yesterday")) {
    return parse_clock(text, now_s, -1, zone);
  }
  if (const std::optional<int64_t> whole = parse_date_and_time(text, zone)) {
    return whole;
  }
  if (const Result<Duration> ago = parse_duration(text)) {
    return std::max<int64_t>(now_s - std::chrono::ceil<std::chrono::seconds>(*ago).count(), 0);
  }
  const std::optional<int64_t> today = parse_clock(text, now_s, 0, zone);
  return today && *today > now_s ? parse_clock(text, now_s, -1, zone) : today;
}

}  // namespace

ZoneClock local_clock() {
  return {.seconds_of = local_seconds_of, .civil_of = local_civil_of};
}

Result<int64_t> parse_at(std::string_view text, int64_t now_s, const ZoneClock& zone) {
  const std::string shown = printable_value(text.substr(0, text_bytes_max));
  const std::optional<int64_t> at =
      text.size() <= text_bytes_max ? parse_any(text, now_s, zone) : std::nullopt;
  if (!at) {
    return fail(ErrorCode::invalid_input,
                fmt::format("'{}': write 2026-11-30T02:00:00Z, \"2026-11-30 02:00\", 02:00, "
                            "\"tomorrow 02:00\" or +10m",
                            shown));
  }
  if (*at < now_s) {
    return fail(ErrorCode::invalid_input, fmt::format("'{}' has passed", shown));
  }
  if (*at > now_s + ahead_days_max * day_s) {
    return fail(ErrorCode::invalid_input,
                fmt::format("'{}' is more than {} days ahead", shown, ahead_days_max));
  }
  return *at;
}

Result<int64_t> parse_since(std::string_view text, int64_t now_s, const ZoneClock& zone) {
  const std::string shown = printable_value(text.substr(0, text_bytes_max));
  const std::optional<int64_t> since =
      text.size() <= text_bytes_max ? parse_past(text, now_s, zone) : std::nullopt;
  if (!since) {
    return fail(ErrorCode::invalid_input,
                fmt::format("'{}': write 2h, 02:00, \"yesterday 18:00\", \"2026-11-30 02:00\" or "
                            "2026-11-30T02:00:00Z",
                            shown));
  }
  if (*since > now_s) {
    return fail(ErrorCode::invalid_input, fmt::format("'{}' is yet to come", shown));
  }
  return *since;
}

}  // namespace murder::cli
