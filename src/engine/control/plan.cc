#include "engine/control/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/control/bounds.h"
#include "engine/control/names.h"

namespace murder::control {
namespace {

constexpr Share everybody{.number = 100, .is_percent = true};

// Whether a wave of this share could never have anything to do after that one. How a number
// compares with a percentage depends on the fleet.
bool is_behind(const Share& before, const Share& wave) {
  return before == everybody ? wave != everybody
                             : wave.is_percent == before.is_percent && wave.number < before.number;
}

Status validate_time(std::string_view what, Duration duration, Duration least) {
  if (duration < least || duration > limits::control_duration_max ||
      duration % std::chrono::milliseconds(1) != Duration{}) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("{}: from {} s to 30 days, in whole milliseconds", what, seconds_of(least)));
  }
  return {};
}

}  // namespace

Result<std::vector<Share>> parse_waves(std::string_view text) {
  std::vector<Share> waves;
  while (true) {
    const size_t comma = text.find(',');
    const Result<Share> wave = Share::parse(text.substr(0, comma));
    if (!wave) {
      return fail(wave.error());
    }
    if (!waves.empty() && is_behind(waves.back(), *wave)) {
      return fail(
          ErrorCode::invalid_input,
          fmt::format("{} after {}: each wave says how many hosts have activated it in all, "
                      "so they grow: 1,10%,50%,100%",
                      wave->text(), waves.back().text()));
    }
    waves.push_back(*wave);
    if (comma == std::string_view::npos) {
      break;
    }
    text.remove_prefix(comma + 1);
  }
  if (waves.back() != everybody) {
    waves.push_back(everybody);
  }
  return waves;
}

Status validate_plan(const Plan& plan) {
  if (plan.groups.size() > limits::control_list_max) {
    return fail(ErrorCode::limit, fmt::format("at most {} groups", limits::control_list_max));
  }
  for (const std::string& group : plan.groups) {
    if (Status named = validate_name(group, "group"); !named) {
      return named;
    }
  }
  if (plan.waves.empty() || plan.waves.size() > limits::control_waves_max ||
      plan.waves.back() != everybody) {
    return fail(ErrorCode::invalid_input,
                fmt::format("1 to {} waves, of which the last is 100%", limits::control_waves_max));
  }
  for (const Share& wave : plan.waves) {
    if (wave.number == 0) {
      return fail(ErrorCode::invalid_input, "a wave has at least one host: write 1 or 10%");
    }
  }
  if (plan.max_unavailable.number == 0 || plan.rack_max_unavailable.number == 0) {
    return fail(ErrorCode::invalid_input, "with max-unavailable 0 no host could ever activate");
  }
  if (plan.begin_wall_s < 0) {
    return fail(ErrorCode::invalid_input, "the time to begin is before 1970");
  }
  for (const Status& status :
       {validate_time("bake", plan.bake, {}), validate_time("min-healthy", plan.min_healthy, {}),
        validate_time("healthy-deadline", plan.healthy_deadline, std::chrono::seconds(1)),
        validate_time("progress-deadline", plan.progress_deadline, std::chrono::seconds(1)),
        validate_time("confirm-within", plan.confirm_within, {})}) {
    if (!status) {
      return status;
    }
  }
  if (plan.min_healthy >= plan.healthy_deadline) {
    return fail(ErrorCode::invalid_input, "min-healthy is less than healthy-deadline");
  }
  return {};
}

uint32_t wave_goal(const Plan& plan, uint32_t wave, uint32_t count) {
  ENSURE(wave < plan.waves.size());
  return std::min(count, std::max(1U, plan.waves[wave].rounded_down(count)));
}

uint32_t failed_bound(const Plan& plan, uint32_t count) {
  return std::max(1U, plan.max_fail.rounded_up(count));
}

uint32_t unavailable_bound(Share share, uint32_t count) {
  return std::max(1U, share.rounded_down(count));
}

Duration settle_within(const Plan& plan) {
  return limits::control_lease + 2 * plan.healthy_deadline;
}

}  // namespace murder::control
