#include "engine/base/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace murder {
namespace {

struct Unit {
  std::string_view name;  // lower case
  double factor;
};

constexpr std::array<Unit, 17> size_units = {{
    {"", 1},
    {"b", 1},
    {"k", 1024.0},
    {"m", 1048576.0},
    {"g", 1073741824.0},
    {"t", 1099511627776.0},
    {"kib", 1024.0},
    {"mib", 1048576.0},
    {"gib", 1073741824.0},
    {"tib", 1099511627776.0},
    {"kb", 1e3},
    {"mb", 1e6},
    {"gb", 1e9},
    {"tb", 1e12},
    {"pb", 1e15},
    {"p", 1125899906842624.0},
    {"pib", 1125899906842624.0},
}};

constexpr std::array<Unit, 4> bit_units = {
    {{"bit", 0.125}, {"kbit", 125.0}, {"mbit", 125e3}, {"gbit", 125e6}}};

constexpr std::array<Unit, 6> duration_units = {
    {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"m", 60}, {"h", 3600}, {"d", 86400}}};

struct Quantity {
  double number = 0;
  std::string unit;  // lower case
};

Result<Quantity> parse_quantity(std::string_view text, std::string_view what) {
  const auto bad = [&] {
    return fail(ErrorCode::invalid_input,
                "\"" + std::string(text) + "\" is not a " + std::string(what));
  };
  Quantity quantity;
  const char* begin = text.data();
  const char* end = begin + text.size();
  const auto [rest, error] = std::from_chars(begin, end, quantity.number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(quantity.number) || std::signbit(quantity.number)) {
    return bad();
  }
  std::string_view unit(rest, static_cast<size_t>(end - rest));
  while (!unit.empty() && unit.front() == ' ') {
    unit.remove_prefix(1);
  }
  for (const char c : unit) {
    quantity.unit.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return quantity;
}

template <size_t Count>
const Unit* find_unit(const std::array<Unit, Count>& units, std::string_view name) {
  const auto* found =
      std::find_if(units.begin(), units.end(), [&](const Unit& unit) { return unit.name == name; });
  return found == units.end() ? nullptr : found;
}

Result<uint64_t> to_bytes(double bytes, std::string_view text) {
  if (bytes > 9.2e18) {
    return fail(ErrorCode::invalid_input, "\"" + std::string(text) + "\" is too large");
  }
  return static_cast<uint64_t>(std::llround(bytes));
}

std::string print(const char* format, double value) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}

std::string scale(double value, double step, const std::array<const char*, 6>& names) {
  size_t index = 0;
  while (value >= step && index + 1 < names.size()) {
    value /= step;
    ++index;
  }
  const bool whole = index == 0 || value >= 100 || std::abs(value - std::round(value)) < 0.05;
  return print(whole ? "%.0f " : "%.1f ", value) + names[index];
}

}  // namespace

Result<uint64_t> parse_size(std::string_view text) {
  const Result<Quantity> quantity = parse_quantity(text, "size (64KiB, 1GB, 16384)");
  if (!quantity) {
    return fail(quantity.error());
  }
  const Unit* unit = find_unit(size_units, quantity->unit);
  if (unit == nullptr) {
    return fail(ErrorCode::invalid_input,
                "\"" + std::string(text) + "\" is not a size (64KiB, 1GB, 16384)");
  }
  return to_bytes(quantity->number * unit->factor, text);
}

Result<uint64_t> parse_rate(std::string_view text) {
  std::string_view amount = text;
  if (amount.ends_with("/s")) {
    amount.remove_suffix(2);
  }
  const Result<Quantity> quantity = parse_quantity(amount, "rate (400MB, 10gbit)");
  if (!quantity) {
    return fail(quantity.error());
  }
  const Unit* unit = find_unit(bit_units, quantity->unit);
  if (unit == nullptr) {
    unit = find_unit(size_units, quantity->unit);
  }
  if (unit == nullptr) {
    return fail(ErrorCode::invalid_input,
                "\"" + std::string(text) + "\" is not a rate (400MB, 10gbit)");
  }
  return to_bytes(quantity->number * unit->factor, text);
}

Result<Duration> parse_duration(std::string_view text) {
  const Result<Quantity> quantity = parse_quantity(text, "duration (30s, 5m, 2h)");
  if (!quantity) {
    return fail(quantity.error());
  }
  const Unit* unit = find_unit(duration_units, quantity->unit);
  if (unit == nullptr) {
    return fail(ErrorCode::invalid_input,
                "\"" + std::string(text) + "\" is not a duration (30s, 5m, 2h)");
  }
  const double seconds = quantity->number * unit->factor;
  if (seconds > 1e9) {
    return fail(ErrorCode::invalid_input, "\"" + std::string(text) + "\" is too long");
  }
  return Duration(std::llround(seconds * 1e9));
}

std::string format_size(uint64_t bytes) {
  return scale(static_cast<double>(bytes), 1024, {"B", "KiB", "MiB", "GiB", "TiB", "PiB"});
}

std::string format_rate(double bytes_per_second) {
  return scale(bytes_per_second, 1000, {"B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s"});
}

std::string format_duration(Duration duration) {
  const double seconds = seconds_of(duration);
  if (seconds < 0.1) {
    return print("%.0f ms", seconds * 1e3);
  }
  if (seconds < 9.95) {
    return print("%.1f s", seconds);
  }
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) {
    return std::to_string(whole) + " s";
  }
  char buffer[64];
  if (whole < 3600) {
    std::snprintf(buffer, sizeof buffer, "%d min %02d s", static_cast<int>(whole / 60),
                  static_cast<int>(whole % 60));
  } else {
    std::snprintf(buffer, sizeof buffer, "%lld h %02d min", static_cast<long long>(whole / 3600),
                  static_cast<int>(whole / 60 % 60));
  }
  return buffer;
}

}  // namespace murder
