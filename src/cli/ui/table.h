// Columns for people.
#pragma once

#include <string>
#include <vector>

namespace murder::cli {

// Rows of equal length, the first one the heading. Columns are as wide as their widest cell, two
// spaces apart; no trailing spaces; no newline at the end. Width counts UTF-8 characters.
[[nodiscard]] std::string format_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace murder::cli
