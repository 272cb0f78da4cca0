// What all signed texts are made of: lines of a name, one space and a value, in a fixed order, in
// one spelling only. Whoever reads one compares it with what the writer makes of what was read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/types.h"

namespace murder::trust {

// Takes lines from the front of a text, which outlives it.
class StatementLines {
 public:
  explicit StatementLines(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool is_empty() const { return rest_.empty(); }

  // The whole next line; nullopt when nothing ends it.
  std::optional<std::string_view> line();
  // The value of the next line, if it is of this field.
  std::optional<std::string_view> value_of(std::string_view field);
  // The same of one that must be there; empty if it is not.
  std::string_view wanted(std::string_view field);
  // The first field that was wanted and is not there.
  [[nodiscard]] std::string_view missing() const { return missing_; }

 private:
  std::string_view rest_;
  std::string_view missing_;
};

inline constexpr uint64_t statement_number_max = INT64_MAX;

// Decimal digits without zeros in front.
[[nodiscard]] std::optional<uint64_t> parse_statement_number(std::string_view text);
// 40 hexadecimal digits of lower case.
[[nodiscard]] std::optional<InfoHash> parse_statement_info_hash(std::string_view text);
// 1 to `bytes_max` printable ASCII characters without blanks: the name of a host, of a group.
[[nodiscard]] bool is_statement_name(std::string_view text, size_t bytes_max);
// Whether it is in the years 1970 to 9999, so that there is a text of it.
[[nodiscard]] bool is_statement_time(int64_t seconds);

}  // namespace murder::trust
