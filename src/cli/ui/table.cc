#include "cli/ui/table.h"

#include <algorithm>

#include "engine/base/printable.h"

namespace murder::cli {
namespace {

size_t width_of(const std::string& cell) {
  return static_cast<size_t>(std::count_if(cell.begin(), cell.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;  // no continuation byte
  }));
}

}  // namespace

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  // What is in a cell may be the words of a host or a torrent: it stays in its cell.
  std::vector<std::vector<std::string>> shown = rows;
  for (std::vector<std::string>& row : shown) {
    std::transform(row.begin(), row.end(), row.begin(),
                   [](const std::string& cell) { return printable_value(cell); });
  }
  std::vector<size_t> widths;
  for (const std::vector<std::string>& row : shown) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], width_of(row[column]));
    }
  }
  std::string text;
  for (const std::vector<std::string>& row : shown) {
    std::string line;
    for (size_t column = 0; column < row.size(); ++column) {
      line += row[column];
      line.append(widths[column] - width_of(row[column]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += text.empty() ? line : "\n" + line;
  }
  return text;
}

}  // namespace murder::cli
