#include "cli/fleet/reach/runner.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <unordered_set>

#include "cli/fleet/reach/fork_limit.h"
#include "cli/fleet/reach/job_inputs.h"
#include "cli/fleet/reach/running.h"
#include "cli/fleet/reach/session_marks.h"
#include "cli/fleet/reach/session_pool.h"
#include "engine/base/ensure.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/prng.h"
#include "engine/policy/backoff.h"

namespace murder::fleet {
namespace {

constexpr Duration tick_interval = std::chrono::milliseconds(200);
constexpr uint32_t starts_at_once = 32;  // before output is looked after again
constexpr policy::Backoff backoff{.first = limits::retry_wait_first,
                                  .most = limits::retry_wait_most};

}  // namespace

// A job is waiting (ready or later), running, or done; each is in one place.
class Runner::Run {
 public:
  Run(const Inventory& inventory, Launcher& launcher, uint32_t forks, RunObserver& observer,
      bool keeps_sessions)
      : inventory_(inventory),
        launcher_(launcher),
        observer_(observer),
        forks_(forks_allowed(std::clamp(forks, 1U, limits::forks_max))),
        prng_(static_cast<uint64_t>(monotonic_now().time_since_epoch().count()) ^
              static_cast<uint64_t>(getpid())),
        keeps_sessions_(keeps_sessions && launcher.keeps_sessions()),
        mark_(fmt::format("murder-status-{:016x}-", prng_.next())) {}

  void add(Job job) {
    ENSURE(job.kind != nullptr);
    const size_t index = jobs_.size();
    results_.push_back({.host = job.host, .stage = job.kind->stage});
    if (job.kind->has_live_input) {
      live_.try_emplace(index);
    }
    jobs_.push_back(std::move(job));
    const JobKind& kind = *jobs_[index].kind;
    if (Result<int> input = inputs_.of(&kind, kind.input, kind.input_fd); !input) {
      finish_unstarted(index, input.error().text);
    } else {
      ready_.push_back(index);
    }
  }

  void stop(std::optional<HostIndex> host, const JobKind* kind) {
    stop_those([this, host, kind](size_t job) {
      return (!host || jobs_[job].host == *host) && (kind == nullptr || jobs_[job].kind == kind);
    });
  }

  void write(HostIndex host, const JobKind& kind, std::string_view text) {
    if (const std::optional<size_t> job = open_job(host, kind)) {
      live_[*job].text += text;
      if (LiveInput* input = input_of_running(*job)) {
        input->write(text);
      }
    }
  }

  void end_input(HostIndex host, const JobKind& kind) {
    if (const std::optional<size_t> job = open_job(host, kind)) {
      live_[*job].is_ended = true;
      if (LiveInput* input = input_of_running(*job)) {
        input->end();
      }
    }
  }

  [[nodiscard]] bool is_idle() const {
    return ready_.empty() && later_.empty() && running_.empty();
  }

  void end_sessions() { sessions_.clear(); }
  void hold_new_hosts(bool is_held) { holds_new_hosts_ = is_held; }

  [[nodiscard]] bool is_alone(const JobKind& kind) const {
    return ready_.empty() && later_.empty() && std::ranges::all_of(running_, [&](const auto& each) {
             return jobs_[each->jobs().front()].kind == &kind;
           });
  }

  void step(int wake_fd) {
    stop_cancelled();
    move_due();
    start_ready();
    wait(wake_fd);
    collect();
    observer_.tick();
  }

 private:
  [[nodiscard]] bool is_cancelled(size_t job) const {
    const archive::CancelFlag* cancel = jobs_[job].kind->cancel;
    return cancel != nullptr && cancel->is_set();
  }

  // The latest one that has not ended.
  [[nodiscard]] std::optional<size_t> open_job(HostIndex host, const JobKind& kind) const {
    for (auto live = live_.rbegin(); live != live_.rend(); ++live) {
      if (jobs_[live->first].host == host && jobs_[live->first].kind == &kind) {
        return live->first;
      }
    }
    return std::nullopt;
  }

  LiveInput* input_of_running(size_t job) {
    for (const std::unique_ptr<Running>& each : running_) {
      if (each->jobs().front() == job) {
        return each->live_input();
      }
    }
    return nullptr;
  }

  void finish(size_t job) {
    live_.erase(job);
    observer_.finished_of(*jobs_[job].kind, results_[job]);
    // What it said is not needed any more.
    results_[job].output = {};
    results_[job].log_tail = {};
    jobs_[job].command = {};
  }

  void finish_unstarted(size_t job, const std::string& reason) {
    results_[job].outcome = Outcome::not_started;
    results_[job].reason = reason;
    finish(job);
  }

  template <typename IsMeant>
  void give_up_waiting(const IsMeant& is_meant, const std::string& reason) {
    std::vector<size_t> given_up;
    for (auto at = later_.begin(); at != later_.end();) {
      if (is_meant(at->second)) {
        given_up.push_back(at->second);
        at = later_.erase(at);
      } else {
        ++at;
      }
    }
    for (const size_t job : ready_) {
      if (is_meant(job)) {
        given_up.push_back(job);
      }
    }
    std::erase_if(ready_, is_meant);
    for (const size_t job : given_up) {
      // It may have had its turn: what came of that is told.
      results_[job].attempts > 0 ? finish(job) : finish_unstarted(job, reason);
    }
  }

  void stop_cancelled() {
    stop_those([this](size_t job) { return is_cancelled(job); });
  }

  template <typename IsMeant>
  void stop_those(const IsMeant& is_meant) {
    give_up_waiting(is_meant, "stopped before its turn");
    for (const std::unique_ptr<Running>& each : running_) {
      if (std::all_of(each->jobs().begin(), each->jobs().end(), is_meant)) {
        each->stop(monotonic_now(), Running::Why::stopped);
      }
    }
  }

  void move_due() {
    while (!later_.empty() && later_.begin()->first <= monotonic_now()) {
      ready_.push_back(later_.begin()->second);
      later_.erase(later_.begin());
    }
  }

  // The next jobs that one process can do: the first that is ready, and for a tree those like it.
  std::vector<size_t> next_jobs() const {
    std::vector<size_t> taken = {ready_.front()};
    const Job& first = jobs_[ready_.front()];
    const uint32_t most = launcher_.hosts_at_once();
    // Output of many hosts in one process is told apart by their addresses.
    std::unordered_set<std::string_view> addresses = {inventory_.at(first.host).address};
    for (size_t index = 1; index < ready_.size() && taken.size() < most; ++index) {
      const Job& other = jobs_[ready_[index]];
      if (other.kind == first.kind && !first.kind->has_live_input &&
          other.command == first.command &&
          launcher_.go_together(inventory_.at(first.host), inventory_.at(other.host)) &&
          addresses.insert(inventory_.at(other.host).address).second) {
        taken.push_back(ready_[index]);
      }
    }
    return taken;
  }

  // How many of the forks a process with that many hosts uses.
  [[nodiscard]] uint32_t weight(size_t host_count) const {
    return static_cast<uint32_t>(std::min<size_t>(host_count, forks_));
  }

  // One that follows a deploy lasts as long as the deploy: it takes no place of others.
  [[nodiscard]] uint32_t forks_in_use() const {
    uint32_t used = 0;
    for (const std::unique_ptr<Running>& each : running_) {
      const bool takes_none = jobs_[each->jobs().front()].kind->has_live_input;
      used += takes_none ? 0 : weight(each->jobs().size());
    }
    return used;
  }

  void start_ready() {
    uint32_t used = forks_in_use();
    is_more_to_start_ = false;
    for (uint32_t count = 0; !ready_.empty() && bring_startable_to_front(used); ++count) {
      if (count == starts_at_once) {
        is_more_to_start_ = true;
        return;
      }
      const std::vector<size_t> taken = next_jobs();
      const bool is_live = jobs_[taken.front()].kind->has_live_input;
      if (!is_live && used > 0 && used + weight(taken.size()) > forks_) {
        return;
      }
      const Status started = start(taken);
      if (!started && started.error().code == ErrorCode::limit && !running_.empty()) {
        return;  // when one of those has ended there is room again
      }
      remove_from_ready(taken);
      for (const size_t job : taken) {
        if (!started) {
          finish_unstarted(job, started.error().text);
        } else {
          observer_.started(jobs_[job].host, ++results_[job].attempts);
        }
      }
      used += started && !is_live ? weight(taken.size()) : 0;
    }
  }

  // A host that has a session goes before those that are not reached yet. False: nothing can be
  // started now.
  bool bring_startable_to_front(uint32_t used) {
    const auto next = std::find_if(ready_.begin(), ready_.end(), [&](size_t job) {
      return jobs_[job].kind->has_live_input || (used < forks_ && sessions_.has(jobs_[job].host));
    });
    const bool has_room = used < forks_ && !(holds_new_hosts_ && sessions_.size() > 0 &&
                                             used + sessions_.size() >= forks_);
    if (next != ready_.end()) {
      std::rotate(ready_.begin(), next, next + 1);
    }
    return next != ready_.end() || has_room;
  }

  void remove_from_ready(const std::vector<size_t>& taken) {
    if (taken.size() == 1) {
      ready_.pop_front();
      return;
    }
    std::vector<char> is_taken(jobs_.size());
    for (const size_t job : taken) {
      is_taken[job] = 1;
    }
    std::erase_if(ready_, [&is_taken](size_t job) { return is_taken[job] != 0; });
  }

  Status start(const std::vector<size_t>& taken) {
    std::vector<HostIndex> hosts;
    std::vector<std::string> addresses;
    for (const size_t job : taken) {
      ENSURE(jobs_[job].host.raw < inventory_.hosts.size());
      hosts.push_back(jobs_[job].host);
      addresses.push_back(inventory_.at(jobs_[job].host).address);
    }
    const std::string& command = jobs_[taken.front()].command;
    const JobKind& kind = *jobs_[taken.front()].kind;
    const Result<int> input = inputs_.of(&kind, kind.input, kind.input_fd);
    if (!input) {
      return fail(input.error());
    }
    if (command.size() > limits::command_bytes_max) {
      return fail(ErrorCode::invalid_input, fmt::format("a command line of {} bytes: at most {}",
                                                        command.size(), limits::command_bytes_max));
    }
    Running::Options options{.jobs = taken,
                             .addresses = std::move(addresses),
                             .input_fd = *input,
                             .has_live_input = kind.has_live_input,
                             .output_bytes_max = kind.output_bytes_max,
                             .log_bytes_max = kind.log_bytes_max,
                             .forks = forks_,
                             .command_timeout = kind.command_timeout,
                             .now = monotonic_now(),
                             .on_output = follower_of(taken)};
    const bool fits = fits_a_session(kind, command);
    if (fits) {
      if (auto session =
              sessions_.begin(hosts.front(), options, session_line(command, kind.input))) {
        running_.push_back(std::move(session));
        return {};
      }
    }
    if (!kind.has_live_input && forks_in_use() + sessions_.size() >= forks_) {
      sessions_.drop_one();
    }
    const bool is_session = fits && kind.input.empty();
    const std::string line = is_session ? session_command(command, mark_) : command;
    options.session_mark = is_session ? mark_ : "";
    const Result<Launch> launch = launcher_.launch({.hosts = hosts,
                                                    .command = line,
                                                    .has_input = *input >= 0 || kind.has_live_input,
                                                    .forks = forks_,
                                                    .command_timeout = kind.command_timeout});
    if (!launch) {
      return fail(launch.error());
    }
    auto running = Running::start(*launch, std::move(options));
    if (!running) {
      return fail(running.error());
    }
    running_.push_back(std::move(*running));
    if (kind.has_live_input) {
      const LiveText& live = live_[taken.front()];
      LiveInput& live_input = *running_.back()->live_input();
      live_input.write(live.text);
      if (live.is_ended) {
        live_input.end();
      }
    }
    return {};
  }

  [[nodiscard]] bool fits_a_session(const JobKind& kind, const std::string& command) const {
    return keeps_sessions_ && !kind.has_live_input && kind.input_fd < 0 &&
           fits_session(command, kind.input);
  }

  // Of one host: with a tree, what comes is told apart at its end.
  std::function<void(std::string_view)> follower_of(const std::vector<size_t>& taken) {
    const Job& job = jobs_[taken.front()];
    if (taken.size() > 1 || !job.kind->follows_output) {
      return {};
    }
    return [this, host = job.host](std::string_view part) { observer_.output(host, part); };
  }

  void wait(int wake_fd) {
    if (running_.empty() && later_.empty() && wake_fd < 0) {
      return;
    }
    polled_.clear();
    polled_.push_back({.fd = wake_fd, .events = POLLIN, .revents = 0});
    Instant until = is_more_to_start_ ? monotonic_now() : monotonic_now() + tick_interval;
    if (!later_.empty()) {
      until = std::min(until, later_.begin()->first);
    }
    for (const std::unique_ptr<Running>& each : running_) {
      until = std::min(until, each->deadline());
      for (const int fd : each->descriptors()) {
        polled_.push_back({.fd = fd, .events = POLLIN, .revents = 0});
      }
      if (each->live_input() != nullptr) {
        polled_.push_back({.fd = each->live_input()->wait_fd(), .events = POLLOUT, .revents = 0});
      }
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - monotonic_now());
    // A signal ends the wait, and so does the tick.
    poll(polled_.data(), polled_.size(), static_cast<int>(std::max<int64_t>(left.count(), 0)));
  }

  void collect() {
    for (size_t index = 0; index < running_.size();) {
      Running& running = *running_[index];
      const bool is_ended = running.advance(monotonic_now());
      if (!is_ended) {
        ++index;
        continue;
      }
      std::unique_ptr<Running> ended = std::move(running_[index]);
      running_[index] = std::move(running_.back());
      running_.pop_back();
      take_end(std::move(ended));
    }
  }

  void take_end(std::unique_ptr<Running> ended) {
    ended->tell(results_);
    const Instant now = monotonic_now();
    const std::vector<size_t> done = ended->jobs();
    const HostIndex host = jobs_[done.front()].host;
    const Instant started = ended->started();
    sessions_.keep(host, std::move(ended));
    for (const size_t job : done) {
      results_[job].elapsed = now - started;
      finish_or_retry(job, done.size(), now);
    }
  }

  void finish_or_retry(size_t job, size_t host_count, Instant ended) {
    HostResult& result = results_[job];
    const JobKind& kind = *jobs_[job].kind;
    if (is_cancelled(job) || result.attempts > kind.retries || !is_worth_retrying(result)) {
      finish(job);
      return;
    }
    // Those that shared a process are tried again at one moment, in one process.
    const Duration wait =
        host_count > 1 ? backoff.first * result.attempts : backoff.wait(result.attempts, prng_);
    if (ended + wait >= kind.retry_until) {
      finish(job);
      return;
    }
    observer_.retrying(result, wait);
    later_.emplace(ended + wait, job);
  }

  const Inventory& inventory_;
  Launcher& launcher_;
  RunObserver& observer_;
  uint32_t forks_;
  Prng prng_;
  JobInputs inputs_;
  struct LiveText {
    std::string text;
    bool is_ended = false;
  };
  std::map<size_t, LiveText> live_;  // of jobs with live input that have not ended
  std::deque<Job> jobs_;             // a deque: jobs are added while others are looked at
  std::deque<HostResult> results_;   // of each
  std::deque<size_t> ready_;
  std::multimap<Instant, size_t> later_;
  std::vector<std::unique_ptr<Running>> running_;
  const bool keeps_sessions_;
  const std::string mark_;
  SessionPool sessions_;
  std::vector<pollfd> polled_;
  bool is_more_to_start_ = false;
  bool holds_new_hosts_ = false;
};

Runner::Runner(const Inventory& inventory, Launcher& launcher, uint32_t forks,
               RunObserver& observer, bool keeps_sessions)
    : run_(std::make_unique<Run>(inventory, launcher, forks, observer, keeps_sessions)) {}

Runner::~Runner() = default;

void Runner::add(Job job) {
  run_->add(std::move(job));
}

void Runner::stop(std::optional<HostIndex> host, const JobKind* kind) {
  run_->stop(host, kind);
}

void Runner::write(HostIndex host, const JobKind& kind, std::string_view text) {
  run_->write(host, kind, text);
}

void Runner::end_input(HostIndex host, const JobKind& kind) {
  run_->end_input(host, kind);
}

bool Runner::is_idle() const {
  return run_->is_idle();
}

void Runner::end_sessions() {
  run_->end_sessions();
}

void Runner::hold_new_hosts(bool is_held) {
  run_->hold_new_hosts(is_held);
}

bool Runner::is_alone(const JobKind& kind) const {
  return run_->is_alone(kind);
}

void Runner::step(int wake_fd) {
  run_->step(wake_fd);
}

}  // namespace murder::fleet
