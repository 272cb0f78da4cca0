// end at once, and that exchange what they would send as text. What it prints is processor time of
// the coordinator's side: messages read, decisions, records and messages written. No network, no
// disk, no waiting.
//
//   control_fleet AGENTS
//
// {"agents":N,"joined_s":...,"rolled_out_s":...,"undone_s":...,"records":N}
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/control/agent.h"
#include "engine/control/coordinator.h"
#include "engine/control/message_text.h"
#include "engine/control/record.h"

using namespace murder;
using namespace murder::control;

namespace {

double processor_s() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::string host_name(uint32_t index) {
  return fmt::format("w{:05}", index);
}

InfoHash hash_of(uint8_t number) {
  InfoHash hash;
  hash.bytes[0] = number;
  return hash;
}

class Fleet {
 public:
  explicit Fleet(uint32_t count) : coordinator_(State{}, 77, moment_) {
    for (uint32_t index = 0; index < count; ++index) {
      AgentConfig config{.host = host_name(index), .rack = "r1", .groups = {"web"}, .apps = {}};
      config.apps.push_back({.app = "shop"});
      agents_.emplace_back(std::move(config), KeptAgent{}, index + 1, moment_.now);
      report(index);
    }
  }

  // All that follows from what was asked, until nothing does. Seconds of the coordinator's side.
  double settle() {
    double spent = 0;
    while (true) {
      const double begin = processor_s();
      for (const auto& [index, text] : std::exchange(reports_, {})) {
        const Result<Report> report = parse_report(text);
        ENSURE(report.has_value());
        const Status heard = coordinator_.hear(*report, fmt::format("key {}", index), moment_);
        ENSURE(heard.has_value());
      }
      std::vector<std::string> wanted;
      const Decisions decisions = coordinator_.decide(moment_);
      for (const Record& record : decisions.records) {
        record_bytes_ += text_of(record).size();
      }
      record_count_ += decisions.records.size();
      wanted.reserve(decisions.tell.size());
      for (const AgentIndex agent : decisions.tell) {
        wanted.push_back(text_of(coordinator_.wanted_for(agent)));
      }
      spent += processor_s() - begin;
      moment_.now += std::chrono::milliseconds(1);
      for (size_t each = 0; each < wanted.size(); ++each) {
        obey(decisions.tell[each].raw, wanted[each]);
      }
      if (reports_.empty() && decisions.records.empty()) {
        return spent;
      }
    }
  }

  double publish_and_start(uint8_t number) {
    const std::string tag = fmt::format("v{}", number);
    const double begin = processor_s();
    Plan plan;
    plan.min_healthy = Duration::zero();
    ENSURE(coordinator_.publish("shop", tag, hash_of(number), number, "olga", moment_).has_value());
    ENSURE(coordinator_.start("shop", tag, plan, "olga", moment_).has_value());
    return processor_s() - begin + settle();
  }
  double undo() {
    const double begin = processor_s();
    ENSURE(coordinator_.undo("shop", "olga", moment_).has_value());
    return processor_s() - begin + settle();
  }
  [[nodiscard]] bool all_run(uint8_t number, RolloutState state) const {
    const Rollout& rollout = *coordinator_.state().find_app("shop")->rollout;
    return rollout.state == state &&
           std::all_of(agents_.begin(), agents_.end(), [&](const AgentMachine& agent) {
             const KeptApp& app = agent.kept().apps[0];
             return app.active && app.active->info_hash == hash_of(number) && app.is_healthy;
           });
  }
  [[nodiscard]] uint64_t record_count() const { return record_count_; }

 private:
  void report(uint32_t index) {
    reports_.emplace_back(index, text_of(agents_[index].make_report(moment_.now)));
  }

  void obey(uint32_t index, const std::string& text) {
    AgentMachine& agent = agents_[index];
    const Result<Wanted> wanted = parse_wanted(text);
    ENSURE(wanted.has_value());
    agent.hear(*wanted, moment_.now);
    bool must_report = false;
    while (true) {
      const AgentWork work = agent.take_work();
      must_report = must_report || work.report;
      if (work.steps.empty()) {
        break;
      }
      for (const Step& step : work.steps) {
        if (step.number != 0) {
          agent.end_step(step.app, step.number, true, "", moment_.now);
        }
      }
      agent.tick(moment_.now);
    }
    if (must_report) {
      report(index);
    }
  }

  Moment moment_{.now = Instant(std::chrono::hours(1)), .wall_s = 1'700'000'000};
  Coordinator coordinator_;
  std::vector<AgentMachine> agents_;
  std::vector<std::pair<uint32_t, std::string>> reports_;
  uint64_t record_count_ = 0;
  uint64_t record_bytes_ = 0;
};

}  // namespace

int main(int argument_count, char** arguments) {
  const auto count =
      static_cast<uint32_t>(argument_count == 2 ? std::strtoul(arguments[1], nullptr, 10) : 0);
  if (count == 0) {
    std::fputs("control_fleet AGENTS\n", stderr);
    return 2;
  }
  Fleet fleet(count);
  const double joined_s = fleet.settle();
  fleet.publish_and_start(1);
  ENSURE(fleet.all_run(1, RolloutState::done));
  const double rolled_out_s = fleet.publish_and_start(2);
  ENSURE(fleet.all_run(2, RolloutState::done));
  const double undone_s = fleet.undo();
  ENSURE(fleet.all_run(1, RolloutState::undone));
  std::puts(fmt::format("{{\"agents\":{},\"joined_s\":{:.3f},\"rolled_out_s\":{:.3f},"
                        "\"undone_s\":{:.3f},\"records\":{}}}",
                        count, joined_s, rolled_out_s, undone_s, fleet.record_count())
                .c_str());
}
