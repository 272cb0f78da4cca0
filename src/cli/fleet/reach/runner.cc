#include "cli/fleet/reach/runner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <unordered_set>

#include "cli/fleet/reach/running.h"
#include "engine/base/ensure.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/prng.h"
#include "engine/policy/backoff.h"

namespace murder::fleet {
namespace {

constexpr Duration tick_interval = std::chrono::milliseconds(200);
constexpr uint32_t starts_at_once = 32;     // before output is looked after again
constexpr rlim_t descriptors_per_fork = 5;  // three kept, two more while it is started
constexpr rlim_t descriptors_for_others = 64;
constexpr policy::Backoff backoff{.first = limits::retry_wait_first,
                                  .most = limits::retry_wait_most};

// The forks that the limit of open files allows; raises the soft limit as far as it needs.
uint32_t forks_allowed(uint32_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return wanted;
  }
  const rlim_t needed = wanted * descriptors_per_fork + descriptors_for_others;
  if (limit.rlim_cur < needed) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = std::min(needed, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      limit.rlim_cur = before;
    }
  }
  if (limit.rlim_cur >= needed) {
    return wanted;
  }
  const rlim_t free = limit.rlim_cur - std::min(limit.rlim_cur, descriptors_for_others);
  return static_cast<uint32_t>(std::max<rlim_t>(free / descriptors_per_fork, 1));
}

}  // namespace

// A job is waiting (ready or later), running, or done; each is in one place.
class Runner::Run {
 public:
  Run(const Inventory& inventory, Launcher& launcher, uint32_t forks, RunObserver& observer)
      : inventory_(inventory),
        launcher_(launcher),
        observer_(observer),
        forks_(forks_allowed(std::clamp(forks, 1U, limits::forks_max))),
        prng_(static_cast<uint64_t>(monotonic_now().time_since_epoch().count()) ^
              static_cast<uint64_t>(getpid())) {}

  void add(Job job) {
    ENSURE(job.kind != nullptr);
    const size_t index = jobs_.size();
    results_.push_back({.host = job.host, .stage = job.kind->stage});
    jobs_.push_back(std::move(job));
    if (Result<int> input = input_of(*jobs_[index].kind); !input) {
      finish_unstarted(index, input.error().text);
    } else {
      ready_.push_back(index);
    }
  }

  void stop(std::optional<HostIndex> host, const JobKind* kind) {
    const auto is_meant = [this, host, kind](size_t job) {
      return (!host || jobs_[job].host == *host) && (kind == nullptr || jobs_[job].kind == kind);
    };
    give_up_waiting(is_meant, "stopped before its turn");
    for (const std::unique_ptr<Running>& each : running_) {
      if (std::all_of(each->jobs().begin(), each->jobs().end(), is_meant)) {
        each->stop(monotonic_now(), Running::Why::stopped);
      }
    }
  }

  [[nodiscard]] bool is_idle() const {
    return ready_.empty() && later_.empty() && running_.empty();
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

  // The open standard input of a kind; -1: it has none.
  Result<int> input_of(const JobKind& kind) {
    if (kind.input_fd < 0 && kind.input.empty()) {
      return -1;
    }
    io::Fd& input = inputs_[&kind];
    if (input.is_open()) {
      return input.get();
    }
    if (kind.input_fd >= 0) {
      input = io::Fd(fcntl(kind.input_fd, F_DUPFD_CLOEXEC, 0));
      return input.is_open() ? Result<int>(input.get())
                             : fail_errno(errno, "standard input for hosts");
    }
    Result<io::Fd> file = host::memory_file(kind.input);
    if (!file) {
      return fail(file.error());
    }
    input = std::move(*file);
    return input.get();
  }

  void finish(size_t job) {
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
    const auto is_meant = [this](size_t job) { return is_cancelled(job); };
    give_up_waiting(is_meant, "stopped before its turn");
    for (const std::unique_ptr<Running>& each : running_) {
      if (is_cancelled(each->jobs().front())) {
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
      if (other.kind == first.kind && other.command == first.command &&
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

  void start_ready() {
    uint32_t used = 0;
    for (const std::unique_ptr<Running>& each : running_) {
      used += weight(each->jobs().size());
    }
    is_more_to_start_ = false;
    for (uint32_t count = 0; !ready_.empty() && used < forks_; ++count) {
      if (count == starts_at_once) {
        is_more_to_start_ = true;
        return;
      }
      const std::vector<size_t> taken = next_jobs();
      if (used > 0 && used + weight(taken.size()) > forks_) {
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
      used += started ? weight(taken.size()) : 0;
    }
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
    const Result<int> input = input_of(kind);
    if (!input) {
      return fail(input.error());
    }
    if (command.size() > limits::command_bytes_max) {
      return fail(ErrorCode::invalid_input, fmt::format("a command line of {} bytes: at most {}",
                                                        command.size(), limits::command_bytes_max));
    }
    const Result<Launch> launch = launcher_.launch({.hosts = hosts,
                                                    .command = command,
                                                    .has_input = *input >= 0,
                                                    .forks = forks_,
                                                    .command_timeout = kind.command_timeout});
    if (!launch) {
      return fail(launch.error());
    }
    auto running = Running::start(*launch, {.jobs = taken,
                                            .addresses = std::move(addresses),
                                            .input_fd = *input,
                                            .output_bytes_max = kind.output_bytes_max,
                                            .log_bytes_max = kind.log_bytes_max,
                                            .forks = forks_,
                                            .command_timeout = kind.command_timeout,
                                            .now = monotonic_now(),
                                            .on_output = follower_of(taken)});
    if (!running) {
      return fail(running.error());
    }
    running_.push_back(std::move(*running));
    return {};
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
      running.tell(results_);
      const Instant ended = monotonic_now();
      for (const size_t job : running.jobs()) {
        results_[job].elapsed = ended - running.started();
        finish_or_retry(job, running.jobs().size(), ended);
      }
      running_[index] = std::move(running_.back());
      running_.pop_back();
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
  std::map<const JobKind*, io::Fd> inputs_;
  std::deque<Job> jobs_;            // a deque: jobs are added while others are looked at
  std::deque<HostResult> results_;  // of each
  std::deque<size_t> ready_;
  std::multimap<Instant, size_t> later_;
  std::vector<std::unique_ptr<Running>> running_;
  std::vector<pollfd> polled_;
  bool is_more_to_start_ = false;
};

Runner::Runner(const Inventory& inventory, Launcher& launcher, uint32_t forks,
               RunObserver& observer)
    : run_(std::make_unique<Run>(inventory, launcher, forks, observer)) {}

Runner::~Runner() = default;

void Runner::add(Job job) {
  run_->add(std::move(job));
}

void Runner::stop(std::optional<HostIndex> host, const JobKind* kind) {
  run_->stop(host, kind);
}

bool Runner::is_idle() const {
  return run_->is_idle();
}

void Runner::step(int wake_fd) {
  run_->step(wake_fd);
}

}  // namespace murder::fleet
