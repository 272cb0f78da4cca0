// The trackers of a deploy: which of them run, and have its key.
#include <fmt/format.h>

#include <algorithm>

#include "cli/fleet/source_side.h"
#include "cli/fleet/steps.h"
#include "cli/fleet/tracker_use.h"

namespace murder::fleet {
namespace {

constexpr std::string_view tracker_stage = "start-tracker";

}  // namespace

Status SourceSide::have_trackers() {
  const std::vector<HostIndex>& hosts = run_.work.inventory().trackers;
  const std::vector<std::string> urls = run_.work.inventory().tracker_urls();
  size_t lost = 0;
  for (size_t index = 0; index < hosts.size(); ++index) {
    const HostIndex host = hosts[index];
    const bool is_asked = trackers_.contains(host.raw);
    const LeasedHost* leased = lease_.held(host);
    if (!is_asked && leased != nullptr && run_.key.empty() && lease_.is_key_settled()) {
      take_tracker(host, *leased, urls[index]);
    } else if (!is_asked && leased != nullptr && lease_.is_key_settled()) {
      take_key_tracker(host, *leased);
    } else if (!is_asked && run_.at(host).reach == Reach::lost && run_.key.empty()) {
      // It may be one that is not ours to reach.
      trackers_[host.raw] = tracker_answers(urls[index]);
    } else if (!is_asked && run_.at(host).reach == Reach::lost) {
      without_key_.try_emplace(host.raw, "it is not reached from here");
    }
    lost += trackers_.contains(host.raw) && !trackers_[host.raw] && is_lost(std::span(&host, 1))
                ? 1
                : 0;
  }
  const bool is_without_key = std::ranges::all_of(hosts, [this](HostIndex host) {
    return without_key_.contains(host.raw) ||
           (trackers_.contains(host.raw) && !trackers_.at(host.raw));
  });
  if (!run_.key.empty() && is_without_key && !without_key_.empty()) {
    return go_without_key();
  }
  return lost == hosts.size()
             ? Status(fail(ErrorCode::io, "no tracker answers, and none could be started"))
             : Status();
}

// A tracker that takes the key is enough to begin; those that do not are then of no use.
void SourceSide::take_key_tracker(HostIndex host, const LeasedHost& leased) {
  const bool is_chosen =
      std::ranges::any_of(trackers_, [](const auto& tracker) { return tracker.second; });
  if (leased.key_taken) {
    if (leased.tracker_started) {
      run_.work.view().note(
          fmt::format("started the tracker on {}", run_.work.inventory().at(host).name));
    }
    trackers_[host.raw] = true;
  } else if (!leased.key_trouble.empty() && (is_chosen || leased.tracker_started)) {
    trackers_[host.raw] = false;
    if (leased.tracker_started || run_.options.must_be_closed) {
      lose(host, tracker_stage, leased.key_trouble);
    } else {
      run_.work.view().note(fmt::format("the tracker on {} is not used: {}",
                                        run_.work.inventory().at(host).name, leased.key_trouble));
    }
  } else if (!leased.key_trouble.empty()) {
    without_key_.try_emplace(
        host.raw, leased.tracker_trouble.empty() ? leased.key_trouble : leased.tracker_trouble);
  }
}

// The trackers stay what they are: open, or closed by a key that hosts have.
Status SourceSide::go_without_key() {
  const auto first = std::ranges::find_if(run_.work.inventory().trackers, [this](HostIndex host) {
    return without_key_.contains(host.raw);
  });
  const std::string why =
      fmt::format("the tracker on {} cannot have the key of this deploy: {}",
                  run_.work.inventory().at(*first).name, without_key_.at(first->raw));
  if (!run_.options.must_be_closed) {
    run_.work.view().note(fmt::format(
        "{}; hosts use their own fleet key, or none (with --closed it fails instead)", why));
    without_key_.clear();
    run_.key.clear();
    return {};
  }
  for (const auto& [host, trouble] : without_key_) {
    trackers_[host] = false;
    lose(HostIndex{host}, tracker_stage, trouble);
  }
  return fail(
      ErrorCode::conflict,
      fmt::format("--closed: {} (without --closed hosts use their own fleet key, or none)", why));
}

void SourceSide::take_tracker(HostIndex host, const LeasedHost& leased, const std::string& url) {
  const uint16_t port = run_.work.variables().tracker_port;
  if (leased.tracker_started) {
    run_.work.view().note(
        fmt::format("started the tracker on {}", run_.work.inventory().at(host).name));
  }
  // Another deploy may have started one in between, or a user that we do not see.
  trackers_[host.raw] = leased.tracker_started ||
                        tracker_on({{"processes", leased.processes}}, port) != nullptr ||
                        (!run_.work.is_interrupted() && tracker_answers(url));
  if (!trackers_[host.raw]) {
    lose(host, tracker_stage, leased.tracker_trouble);
  }
}

}  // namespace murder::fleet
