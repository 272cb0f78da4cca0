#include "cli/fleet/rollout/lost_coordinators.h"

#include <fmt/format.h>

#include <algorithm>

namespace murder::fleet {
namespace {

// The same host each time is easier to look after.
constexpr Duration coordinator_host_grace = std::chrono::seconds(5);
// One that was lost may have all that runs there still. The first attempt may fail with the
// connection that was lost.
constexpr Duration lost_host_grace = std::chrono::seconds(15);
constexpr uint32_t lost_host_attempts = 2;
constexpr uint32_t taken_up_max = 16;

}  // namespace

void LostCoordinators::add(HostIndex host, Instant now) {
  ++count_;
  last_ = host;
  last_at_ = now;
  failed_attempts_ = 0;
  if (!contains(hosts_, host)) {
    hosts_.push_back(host);
  }
}

void LostCoordinators::note_unreachable(HostIndex host) {
  failed_attempts_ += host == last_ ? 1 : 0;
}

bool LostCoordinators::may_take_up() const {
  return count_ < taken_up_max;
}

Instant LostCoordinators::patient_until(std::optional<Instant> first_ready_at) const {
  if (last_) {
    return failed_attempts_ < lost_host_attempts ? last_at_ + lost_host_grace : last_at_;
  }
  return first_ready_at ? *first_ready_at + coordinator_host_grace : instant_never;
}

std::string text_of_lost_coordinator(std::string_view host, const HostResult& result,
                                     const LostRollout& rollout) {
  if (!rollout.has_order || result.outcome != Outcome::unreachable) {
    return fmt::format("{}: {}", host,
                       result.reason.empty() ? "coordinate has ended" : result.reason);
  }
  const std::string_view then =
      rollout.is_ending ? "the deploy was ending there"
      : rollout.is_attached
          ? "with --attached the deploy ends there as well, after hosts that are being switched"
          : std::string_view("the rollout goes on there");
  return fmt::format("the connection to {} is lost ({}): {}", host, result.reason, then);
}

std::string text_of_no_host(const DeployRun& run, const LostCoordinators& lost) {
  return lost.hosts().empty()
             ? std::string("no host could be given the program")
             : fmt::format("the connection to {} is lost: what was begun may go on there",
                           folded_names(run.work, lost.hosts()));
}

std::string reason_to_give_up(const DeployRun& run, HostIndex host, const LostCoordinators& lost,
                              uint32_t hosts_needed) {
  const DeployHost& here = run.at(host);
  if (!here.is_peer || here.state != HostState::connecting) {
    return {};
  }
  const auto have_it = std::ranges::count_if(run.hosts, [](const DeployHost& each) {
    return each.state == HostState::ready || each.state == HostState::active;
  });
  const bool was_lost = contains(lost.hosts(), host);
  const bool are_enough = static_cast<uint64_t>(have_it) >= hosts_needed;
  const Duration most = was_lost && are_enough ? lost_beyond_quorum : dead_host_wait;
  if (monotonic_now() - (was_lost ? lost.last_at() : run.started_at) < most) {
    return {};
  }
  return fmt::format("{} within {} s",
                     was_lost ? "lost in the middle, and not reached again" : "not reached",
                     most / std::chrono::seconds(1));
}

std::vector<HostIndex> LostCoordinators::to_clean(const DeployRun& run,
                                                  std::optional<HostIndex> cleaned,
                                                  bool tries_all) const {
  std::vector<HostIndex> hosts;
  for (const HostIndex host : hosts_) {
    if (host != cleaned && (tries_all || run.at(host).reach == Reach::ready)) {
      hosts.push_back(host);
    }
  }
  return hosts;
}

void run_on_lost(DeployRun& run, const JobKind& kind, std::span<const std::string> commands,
                 std::span<const HostIndex> hosts) {
  for (const std::string& command : commands) {
    for (const HostIndex host : hosts) {
      run.add(host, kind, command);
    }
    while (!run.runner.is_idle()) {
      run.runner.step();
    }
  }
}

}  // namespace murder::fleet
