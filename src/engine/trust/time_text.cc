#include "engine/trust/time_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace murder::trust {
namespace {

constexpr int64_t seconds_a_day = 24 * 60 * 60;
constexpr uint64_t year_10000 = 253402300800;  // its first second

// Days since 1970 of the first of a month, in the Gregorian calendar. A year begins in March here,
// so that the leap day is its last.
int64_t days_of_month(int64_t year, int64_t month) {
  const int64_t years = month <= 2 ? year - 1 : year;
  const int64_t months = (month + 9) % 12;  // since March
  return 365 * years + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 - 719468;
}

CivilTime civil_of(int64_t seconds) {
  const int64_t days = seconds / seconds_a_day;
  const int64_t rest = seconds % seconds_a_day;
  CivilTime time{.hour = rest / 3600, .minute = rest / 60 % 60, .second = rest % 60};
  time.year = 1970 + days / 366;  // at most some years too early
  while (days_of_month(time.year + 1, 1) <= days) {
    ++time.year;
  }
  while (time.month < 12 && days_of_month(time.year, time.month + 1) <= days) {
    ++time.month;
  }
  time.day = 1 + days - days_of_month(time.year, time.month);
  return time;
}

std::optional<int64_t> digits_of(std::string_view text) {
  int64_t value = 0;
  for (const char each : text) {
    if (each < '0' || each > '9') {
      return std::nullopt;
    }
    value = value * 10 + (each - '0');
  }
  return text.empty() ? std::nullopt : std::optional(value);
}

bool ends_with_word(std::string_view text, std::string_view lower_word) {
  if (text.size() <= lower_word.size()) {
    return false;
  }
  const std::string_view end = text.substr(text.size() - lower_word.size());
  for (size_t index = 0; index < end.size(); ++index) {
    const char each = end[index];
    if ((each >= 'A' && each <= 'Z' ? static_cast<char>(each - 'A' + 'a') : each) !=
        lower_word[index]) {
      return false;
    }
  }
  return true;
}

}  // namespace

int64_t seconds_of_utc(const CivilTime& time) {
  const int64_t days = days_of_month(time.year, time.month) + time.day - 1;
  return days * seconds_a_day + time.hour * 3600 + time.minute * 60 + time.second;
}

std::string time_text_of(uint64_t seconds) {
  if (seconds >= year_10000) {
    return "never";
  }
  const CivilTime time = civil_of(static_cast<int64_t>(seconds));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", time.year, time.month, time.day,
                     time.hour, time.minute, time.second);
}

std::optional<int64_t> parse_time_text(std::string_view text) {
  if (text.size() != 20) {
    return std::nullopt;
  }
  const auto year = digits_of(text.substr(0, 4));
  const auto month = digits_of(text.substr(5, 2));
  const auto day = digits_of(text.substr(8, 2));
  const auto hour = digits_of(text.substr(11, 2));
  const auto minute = digits_of(text.substr(14, 2));
  const auto second = digits_of(text.substr(17, 2));
  if (!year || !month || !day || !hour || !minute || !second || *year < 1970 || *month < 1 ||
      *month > 12) {
    return std::nullopt;
  }
  const int64_t seconds = seconds_of_utc({.year = *year,
                                          .month = *month,
                                          .day = *day,
                                          .hour = *hour,
                                          .minute = *minute,
                                          .second = *second});
  // A 31st of February, and what stands between the numbers.
  if (seconds < 0 || time_text_of(static_cast<uint64_t>(seconds)) != text) {
    return std::nullopt;
  }
  return seconds;
}

std::optional<int64_t> parse_compact_time(std::string_view text, LocalTime local) {
  const bool is_utc = ends_with_word(text, "z") || ends_with_word(text, "utc");
  if (is_utc) {
    text.remove_suffix(ends_with_word(text, "z") ? 1 : 3);
  }
  if (text.size() != 8 && text.size() != 12 && text.size() != 14) {
    return std::nullopt;
  }
  std::array<int64_t, 6> parts{};
  for (size_t index = 0; index < parts.size(); ++index) {
    const size_t begin = index == 0 ? 0 : 2 + 2 * index;
    if (begin >= text.size()) {
      break;
    }
    // A blank in front of a number says nothing, as to strptime(3).
    std::string_view part = text.substr(begin, index == 0 ? 4 : 2);
    part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
    const auto value = digits_of(part);
    if (!value) {
      return std::nullopt;
    }
    parts[index] = *value;
  }
  const CivilTime time{.year = parts[0],
                       .month = parts[1],
                       .day = parts[2],
                       .hour = parts[3],
                       .minute = parts[4],
                       .second = parts[5]};
  // 60 and 61 are leap seconds to strptime(3), by which OpenSSH reads this.
  if (time.month < 1 || time.month > 12 || time.day < 1 || time.day > 31 || time.hour > 23 ||
      time.minute > 59 || time.second > 61) {
    return std::nullopt;
  }
  const int64_t seconds = is_utc ? seconds_of_utc(time) : local(time);
  return seconds > 0 ? std::optional(seconds) : std::nullopt;
}

}  // namespace murder::trust
