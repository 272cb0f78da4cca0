#include "cli/fleet/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/fleet/plan/node_set.h"
#include "cli/ui/command.h"
#include "cli/ui/table.h"

namespace murder::fleet {
namespace {

constexpr size_t rows_single_max = 40;
constexpr size_t logs_shown_max = 10;
constexpr size_t log_lines_max = 8;

std::vector<std::vector<std::string>> rows_of(std::span<const HostFailure> failures) {
  std::vector<std::vector<std::string>> rows = {{"HOST", "STAGE", "REASON"}};
  if (failures.size() <= rows_single_max) {
    for (const HostFailure& failure : failures) {
      rows.push_back({failure.name, failure.stage, failure.reason});
    }
    return rows;
  }
  rows[0].insert(rows[0].begin() + 1, "COUNT");
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> groups;
  for (const HostFailure& failure : failures) {
    groups[{failure.stage, failure.reason}].push_back(failure.name);
  }
  for (const auto& [key, names] : groups) {
    rows.push_back({fold_node_set(names), fmt::format("{}", names.size()), key.first, key.second});
  }
  return rows;
}

// The last lines, indented; empty when they say no more than the reason does.
std::string indented_log(const HostFailure& failure) {
  std::vector<std::string_view> lines;
  std::string_view rest = failure.log_tail;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    // ssh ends its own lines as a terminal needs it.
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    if (!line.empty()) {
      lines.push_back(line);
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const bool is_reason_only =
      lines.size() == 1 && (lines[0].find(failure.reason) != std::string_view::npos ||
                            failure.reason.find(lines[0]) != std::string::npos);
  if (is_reason_only) {
    return {};
  }
  std::string text;
  const size_t first = lines.size() - std::min(lines.size(), log_lines_max);
  for (size_t index = first; index < lines.size(); ++index) {
    text += fmt::format("\n    {}", lines[index]);
  }
  return text;
}

}  // namespace

HostFailure failure_of(const Inventory& inventory, const HostResult& result) {
  return {.host = result.host,
          .name = inventory.at(result.host).name,
          .stage = result.stage,
          .outcome = std::string(outcome_name(result.outcome)),
          .reason = result.reason,
          .log_tail = result.log_tail};
}

int exit_code_of(size_t done_count, size_t failed_count) {
  if (failed_count == 0) {
    return cli::exit_done;
  }
  return done_count > 0 ? exit_some_failed : cli::exit_failed;
}

std::string format_failures(std::span<const HostFailure> failures) {
  std::string text = cli::format_table(rows_of(failures));
  size_t shown = 0;
  size_t more = 0;
  for (const HostFailure& failure : failures) {
    const std::string log = indented_log(failure);
    if (log.empty()) {
      continue;
    }
    if (shown == logs_shown_max) {
      ++more;
      continue;
    }
    ++shown;
    text += fmt::format("\n\nThe end of what {} said:{}", failure.name, log);
  }
  if (more > 0) {
    text += fmt::format("\n\n... and {} more with --json", more);
  }
  return text;
}

Json json_of(std::span<const HostFailure> failures) {
  Json list = Json::array();
  for (const HostFailure& failure : failures) {
    list.push_back({{"host", failure.name},
                    {"stage", failure.stage},
                    {"outcome", failure.outcome},
                    {"reason", failure.reason},
                    {"log", failure.log_tail}});
  }
  return list;
}

}  // namespace murder::fleet
