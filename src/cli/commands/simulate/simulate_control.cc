#include "cli/commands/simulate/simulate_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "engine/sim/control/run.h"

namespace murder::cli {
namespace {

constexpr size_t history_lines_max = 80;
constexpr uint32_t seeds_between_notes = 50;

// The end of what happened, and how to see it again.
void print_history(uint64_t seed, CommandContext& context) {
  const control_sim::Outcome again =
      control_sim::run(control_sim::random_options(seed), /*keeps_history=*/true);
  const size_t skipped = again.history.size() - std::min(again.history.size(), history_lines_max);
  if (skipped > 0) {
    context.print(fmt::format("({} lines before)", skipped));
  }
  for (size_t line = skipped; line < again.history.size(); ++line) {
    context.print(again.history[line]);
  }
  context.print(fmt::format("again: murder simulate --control --seed {}", seed));
}

}  // namespace

Result<int> simulate_control(uint64_t seed, uint32_t count, CommandContext& context) {
  control_sim::Outcome sum;
  Json faults = Json::array();
  for (uint32_t done = 0; done < count; ++done) {
    const control_sim::Options options = control_sim::random_options(seed + done);
    const control_sim::Outcome outcome = control_sim::run(options, /*keeps_history=*/false);
    sum.event_count += outcome.event_count;
    sum.record_count += outcome.record_count;
    sum.rollout_count += outcome.rollout_count;
    sum.activation_count += outcome.activation_count;
    sum.restart_count += outcome.restart_count;
    if (count == 1) {
      context.print(control_sim::description_of(options));
      context.print(outcome.standing);
    } else if ((done + 1) % seeds_between_notes == 0) {
      context.note(fmt::format("{} of {} seeds, {} faults", done + 1, count, faults.size()));
    }
    if (!outcome.fault.empty()) {
      context.print(fmt::format("seed {}: {}", seed + done, outcome.fault));
      if (faults.size() == 0) {
        print_history(seed + done, context);
      }
      faults.push_back({{"seed", seed + done}, {"fault", outcome.fault}});
    }
  }
  context.print(
      fmt::format("{} seeds from {}: {} faults; {} rollouts, {} activations, {} restarts "
                  "of the coordinator, {} records, {} events",
                  count, seed, faults.size(), sum.rollout_count, sum.activation_count,
                  sum.restart_count, sum.record_count, sum.event_count));
  const bool failed = faults.size() > 0;
  context.print_json({{"seed", seed},
                      {"count", count},
                      {"rollouts", sum.rollout_count},
                      {"activations", sum.activation_count},
                      {"restarts", sum.restart_count},
                      {"records", sum.record_count},
                      {"events", sum.event_count},
                      {"faults", std::move(faults)}});
  return failed ? exit_failed : exit_done;
}

}  // namespace murder::cli
