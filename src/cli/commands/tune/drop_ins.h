// The files that make a plan outlast a reboot. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/tune/plan.h"

namespace murder::cli::tune {

struct DropIn {
  std::string path;  // from the root of the host
  std::string content;
};

// The file that makes this change outlast a reboot.
[[nodiscard]] std::string drop_in_path(const Change& change);

// What of a plan is pending, in the order of the paths. `program` is the path of murder, which sets
// at each start of the host what no drop-in can hold.
[[nodiscard]] std::vector<DropIn> drop_ins_of(const Plan& plan, const std::string& program);

// The name of ours in a folder UNIT.d.
inline constexpr std::string_view unit_drop_in_name = "90-murder-tune.conf";

}  // namespace murder::cli::tune
