#include "coordinator/stage_times.h"

#include <utility>
#include <variant>

#include "engine/control/bounds.h"

namespace murder::coordinator {
namespace {

constexpr size_t begun_max = limits::control_agents_max + limits::control_apps_max;

// Neither has a line end. A rollout's has no host.
std::string key_of(const std::string& app, const std::string& host) {
  return app + '\n' + host;
}

}  // namespace

void StageTimes::note(std::span<const control::Record> records, Instant now) {
  for (const control::Record& record : records) {
    if (const auto* started = std::get_if<control::RolloutStarted>(&record.what)) {
      begin(key_of(started->app, ""), TimedStage::rollout, now);
    } else if (const auto* changed = std::get_if<control::StateChanged>(&record.what)) {
      const bool is_done = changed->state == control::RolloutState::done;
      if (is_done || changed->state == control::RolloutState::aborted ||
          changed->state == control::RolloutState::undone) {
        end(key_of(changed->app, ""), is_done, now);
      }
    } else if (const auto* told = std::get_if<control::Told>(&record.what)) {
      begin(key_of(told->app, told->host), told->back ? TimedStage::back : TimedStage::activate,
            now);
    } else if (const auto* outcome = std::get_if<control::Outcome>(&record.what)) {
      if (outcome->stage == control::Stage::waiting) {
        begun_.erase(key_of(outcome->app, outcome->host));  // nobody confirmed it: neither of both
      } else {
        end(key_of(outcome->app, outcome->host),
            outcome->stage == control::Stage::healthy ||
                outcome->stage == control::Stage::back_done,
            now);
      }
    }
  }
}

void StageTimes::begin(std::string key, TimedStage stage, Instant now) {
  if (begun_.size() < begun_max || begun_.contains(key)) {
    begun_[std::move(key)] = {.stage = stage, .at = now};
  }
}

void StageTimes::end(const std::string& key, bool is_done, Instant now) {
  const auto found = begun_.find(key);
  if (found == begun_.end()) {
    return;
  }
  StageSum& sum = sums_[static_cast<size_t>(found->second.stage)][is_done ? 1 : 0];
  ++sum.count;
  sum.time += now - found->second.at;
  begun_.erase(found);
}

}  // namespace murder::coordinator
