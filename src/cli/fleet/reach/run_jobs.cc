#include <unordered_map>

#include "cli/fleet/reach/runner.h"

namespace murder::fleet {
namespace {

// Keeps the results of jobs that were all added at the start.
class Collector final : public RunObserver {
 public:
  Collector(std::span<const Job> jobs, RunObserver* observer) : observer_(observer) {
    results_.resize(jobs.size());
    for (size_t job = 0; job < jobs.size(); ++job) {
      place_of_[jobs[job].host.raw] = job;
    }
  }
  void started(HostIndex host, uint32_t attempt) override {
    if (observer_ != nullptr) {
      observer_->started(host, attempt);
    }
  }
  void retrying(const HostResult& result, Duration wait) override {
    if (observer_ != nullptr) {
      observer_->retrying(result, wait);
    }
  }
  void finished(HostResult& result) override {
    if (observer_ != nullptr) {
      observer_->finished(result);
    }
    results_[place_of_[result.host.raw]] = std::move(result);
  }
  void tick() override {
    if (observer_ != nullptr) {
      observer_->tick();
    }
  }
  [[nodiscard]] std::vector<HostResult> take() { return std::move(results_); }

 private:
  RunObserver* observer_;
  std::vector<HostResult> results_;
  std::unordered_map<uint32_t, size_t> place_of_;
};

}  // namespace

std::vector<HostResult> run_jobs(const Inventory& inventory, std::span<const Job> jobs,
                                 Launcher& launcher, const RunOptions& options,
                                 RunObserver* observer) {
  const JobKind kind{.stage = options.stage,
                     .input = options.input,
                     .input_fd = options.input_fd,
                     .command_timeout = options.command_timeout,
                     .retries = options.retries,
                     .output_bytes_max = options.output_bytes_max,
                     .log_bytes_max = options.log_bytes_max,
                     .cancel = options.cancel};
  Collector collector(jobs, observer);
  Runner runner(inventory, launcher, options.forks, collector);
  for (const Job& job : jobs) {
    runner.add({.host = job.host, .command = job.command, .kind = &kind});
  }
  while (!runner.is_idle()) {
    runner.step();
  }
  return collector.take();
}

}  // namespace murder::fleet
