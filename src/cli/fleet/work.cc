#include "cli/fleet/work.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/base/monotonic_clock.h"

namespace murder::fleet {
namespace {

constexpr Duration look_interval = std::chrono::milliseconds(100);

}  // namespace

class Work::Observer final : public RunObserver {
 public:
  Observer(Work& work, const Step& step, size_t job_count)
      : work_(work), shows_failures_(step.shows_failures) {
    state_.title = work.title_;
    state_.stage = step.stage;
    state_.hosts = std::max(work.stage_hosts_, static_cast<uint32_t>(job_count));
    state_.hosts_done = work.stage_done_;
    state_.failed_before = static_cast<uint32_t>(work.failures_.size());
  }

  void retrying(const HostResult& result, Duration wait) override {
    (void)wait;
    work_.view_.note(fmt::format("{}: {} (trying again)", work_.inventory().at(result.host).name,
                                 result.reason));
  }
  void finished(HostResult& result) override {
    work_.unframe(result);
    state_.hosts_done += result.is_ok() ? 1 : 0;
    state_.hosts_failed += shows_failures_ && !result.is_ok() ? 1 : 0;
  }
  void tick() override { work_.show(state_); }

 private:
  Work& work_;
  bool shows_failures_;
  LiveState state_;
};

Work::Work(Fleet fleet, cli::CommandContext& context, std::string title, const Interrupts* shared)
    : fleet_(std::move(fleet)),
      context_(context),
      title_(std::move(title)),
      own_interrupts_(shared == nullptr ? std::make_unique<Interrupts>() : nullptr),
      interrupts_(shared == nullptr ? own_interrupts_.get() : shared),
      view_(context, cli::FirstDraw::after_a_while),
      facts_(fleet_.inventory->hosts.size()),
      started_at_(monotonic_now()) {}

void Work::show(const LiveState& state) {
  LiveState now = state;
  now.elapsed = monotonic_now() - started_at_;
  if (feed_ != nullptr) {
    TrackerFeed::Latest latest = feed_->latest();
    if (latest.view) {
      now.bytes_per_second = meter_.update(latest.view->delivered_bytes, monotonic_now());
    }
    now.swarm = std::move(latest.view);
    now.swarm_age = latest.age;
    now.swarm_trouble = std::move(latest.trouble);
  }
  // Its hosts tell the same over ssh, if more slowly.
  if (!now.swarm && now.own_view && now.own_view->total_bytes > 0) {
    now.swarm = std::move(now.own_view);
    now.bytes_per_second = meter_.update(now.swarm->delivered_bytes, monotonic_now());
    now.swarm_trouble.clear();
  }
  if (const Instant drawn_at = monotonic_now(); view_.wants_update(drawn_at)) {
    view_.update(format_live_screen(now), format_live_line(now), drawn_at);
  }
}

std::vector<HostResult> Work::run(std::span<const HostIndex> hosts, const Step& step,
                                  const CommandOf& command_of) {
  std::vector<Job> jobs;
  jobs.reserve(hosts.size());
  for (const HostIndex host : hosts) {
    jobs.push_back({.host = host, .command = framed(host, command_of(inventory().at(host)))});
  }
  RunOptions options = fleet_.run;
  options.stage = step.stage;
  options.input = step.input;
  options.input_fd = step.input_fd;
  options.output_bytes_max = step.output_bytes_max;
  options.cancel = step.is_cleaning_up ? &interrupts_->cleaning_up() : &interrupts_->work();
  if (step.timeout) {
    options.command_timeout = *step.timeout;
  }
  options.retries = step.retries.value_or(options.retries);
  Observer observer(*this, step, jobs.size());
  std::vector<HostResult> results =
      run_jobs(inventory(), jobs, *fleet_.launcher, options, &observer);
  view_.clear();
  return results;
}

std::string Work::framed(HostIndex host, const std::string& command) const {
  return frame_command(command, frame_of(host));
}

void Work::unframe(HostResult& result) {
  if (HostFacts facts = take_frame(result, frame_of(result.host)); facts.is_known) {
    learn(result.host, std::move(facts));
  }
}

FrameOptions Work::frame_of(HostIndex host) const {
  return {.become = inventory().at(host).become, .asks_facts = !facts_[host.raw].is_known};
}

void Work::learn(HostIndex host, HostFacts facts) {
  fleet_.inventory->hosts[host.raw].reached_at = facts.address;
  facts_[host.raw] = std::move(facts);
}

void Work::meet(std::span<const HostIndex> hosts) {
  std::vector<HostIndex> strangers(hosts.begin(), hosts.end());
  std::erase_if(strangers, [this](HostIndex host) { return facts_[host.raw].is_known; });
  if (!strangers.empty() && !is_interrupted()) {
    (void)run(strangers, {.stage = "connect", .retries = 0}, [](const Host&) { return "true"; });
  }
}

std::vector<HostResult> Work::run_and_note(std::span<const HostIndex> hosts, const Step& step,
                                           const CommandOf& command_of) {
  std::vector<HostResult> results = run(hosts, step, command_of);
  for (const HostResult& result : results) {
    if (!result.is_ok()) {
      note_failure(result);
    }
  }
  std::erase_if(results, [](const HostResult& result) { return !result.is_ok(); });
  return results;
}

void Work::note_failure(HostFailure failure) {
  failures_.push_back(std::move(failure));
}

void Work::note_failure(const HostResult& result) {
  note_failure(failure_of(inventory(), result));
}

void Work::refine_failure(HostIndex host, const std::string& reason) {
  for (HostFailure& failure : failures_) {
    if (failure.host == host && reason.find(failure.reason) != std::string::npos) {
      failure.reason = reason;
    }
  }
}

void Work::assign_role(Role role, HostIndex host) {
  Inventory& inventory = *fleet_.inventory;
  (role == Role::tracker  ? inventory.trackers
   : role == Role::seeder ? inventory.seeders
                          : inventory.peers) = {host};
}

void Work::follow(TrackerFeed* feed) {
  feed_ = feed;
  meter_ = {};
}

void Work::count_as_done(uint32_t hosts_of_stage, uint32_t hosts_done) {
  stage_hosts_ = hosts_of_stage;
  stage_done_ = hosts_done;
}

void Work::watch_for(Duration duration, const Step& step, uint32_t hosts, uint32_t hosts_done) {
  LiveState state{.title = title_,
                  .stage = step.stage,
                  .hosts = hosts,
                  .hosts_done = hosts_done,
                  .failed_before = static_cast<uint32_t>(failures_.size())};
  const Instant end = monotonic_now() + duration;
  while (monotonic_now() < end && !is_interrupted()) {
    show(state);
    std::this_thread::sleep_for(look_interval);
  }
}

std::string Work::label_of(const Host& host) const {
  return fleet_.launcher->hosts_at_once() == 1 ? host.name : "";
}

int Work::finish(size_t done_count, const std::string& text, Json json) {
  view_.clear();
  if (!failures_.empty()) {
    context_.print(format_failures(failures_));
    context_.print("");
  }
  context_.print(text);
  const int code = is_interrupted() ? exit_interrupted : exit_code_of(done_count, failures_.size());
  json["failed"] = json_of(failures_);
  json["interrupted"] = is_interrupted();
  json["exit_code"] = code;
  context_.print_json(json);
  return code;
}

}  // namespace murder::fleet
