// What the operator is told at the end: who failed, at which stage, why, and how that host's log
// ends.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/fleet/plan/host_result.h"
#include "engine/base/json.h"

namespace murder::fleet {

inline constexpr int exit_some_failed = 3;
inline constexpr int exit_interrupted = 130;  // as shells count a command that ^C ended

struct HostFailure {
  HostIndex host;
  std::string name;
  std::string stage;
  std::string outcome;  // outcome_name()
  std::string reason;   // one line
  std::string log_tail;
  // Something is where the release goes there, and another attempt would find it again.
  bool is_in_the_way = false;
};

[[nodiscard]] HostFailure failure_of(const Inventory& inventory, const HostResult& result);

// 0 all, 3 some, 1 none.
[[nodiscard]] int exit_code_of(size_t done_count, size_t failed_count);

// HOST STAGE REASON, then the ends of the logs. Hosts with the same stage and reason share a row
// when there are many of them.
[[nodiscard]] std::string format_failures(std::span<const HostFailure> failures);

[[nodiscard]] Json json_of(std::span<const HostFailure> failures);

}  // namespace murder::fleet
