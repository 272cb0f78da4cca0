#include "cli/control/rollout_exit.h"

#include <array>

namespace murder::cli {
namespace {

struct StateExit {
  std::string_view state;
  int exit;
};
constexpr std::array state_exits = {StateExit{"done", 0}, StateExit{"held", exit_held},
                                    StateExit{"aborted", exit_aborted},
                                    StateExit{"undone", exit_undone}};

}  // namespace

std::optional<int> exit_of_state(std::string_view state) {
  for (const StateExit& each : state_exits) {
    if (each.state == state) {
      return each.exit;
    }
  }
  return std::nullopt;
}

}  // namespace murder::cli
