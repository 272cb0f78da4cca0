#include "cli/commands/coordinate/deploy_hold.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/commands/coordinate/own_command.h"
#include "cli/commands/tracker_start.h"
#include "engine/base/endpoint.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/utc_text.h"
#include "engine/host/control.h"
#include "engine/host/deploy_lock_file.h"
#include "engine/host/processes.h"

namespace murder::cli {
namespace {

constexpr std::chrono::seconds deploy_lock_lease(90);
constexpr Duration deploy_lock_renewed_every = std::chrono::seconds(25);
// The coordinator ends its agents when nobody asked it for this long.
constexpr Duration coordinator_lease = std::chrono::minutes(2);
// And its process when it also knows no peer.
constexpr Duration coordinator_idle_max = std::chrono::minutes(10);
constexpr Duration unlock_time_max = std::chrono::seconds(30);
constexpr Duration coordinator_stop_max = std::chrono::seconds(15);

bool is_tracker_at(const host::RunningProcess& process, uint16_t port) {
  return process.kind() == host::kind_tracker && host::listens_on(process.status, port);
}

}  // namespace

Result<DeployHold> DeployHold::open(HoldOptions options, const std::string& run_directory) {
  Result<host::RunDirectory> directory = host::RunDirectory::open(run_directory);
  if (!directory) {
    return fail(directory.error());
  }
  return DeployHold(std::move(options), std::move(*directory), run_directory);
}

Result<host::LockReply> DeployHold::keep(bool is_renewal) {
  const std::vector<host::RunningProcess> processes = host::list_processes(directory_);
  const bool seeder_runs = std::ranges::any_of(processes, [&](const auto& process) {
    return process.kind() == host::kind_seeder && process.tag() == options_.tag;
  });
  const bool tracker_runs = std::ranges::any_of(
      processes, [&](const auto& process) { return is_tracker_at(process, options_.port); });
  if (!is_renewal) {
    processes_ = Json::array();
    for (const host::RunningProcess& process : processes) {
      Json status = process.status;
      status["pid"] = process.pid;
      processes_.push_back(std::move(status));
    }
    fleet_port_is_taken_ = tracker_runs;
  }
  renew_at_ = monotonic_now() + deploy_lock_renewed_every;
  return host::keep_lock(
      directory_, {.lock = {.token = options_.token,
                            .app = options_.app,
                            .tag = options_.tag,
                            .owner = options_.owner,
                            .since = utc_text_now(),
                            .why = fmt::format("deploy of {} to {}", options_.tag, options_.app),
                            .until_s = static_cast<uint64_t>(deploy_lock_lease.count())},
                   .tracker_runs = tracker_runs,
                   .seeder_runs = seeder_runs,
                   .is_renewal = is_renewal,
                   .replaced = options_.replaced,
                   .ousted = options_.ousted});
}

Result<host::LockReply> DeployHold::take() {
  return keep(false);
}

Json DeployHold::json_of(const host::LockReply& reply, const Json& processes) {
  const bool is_held = reply.state == host::LockState::held;
  Json json = {{"state", host::lock_state_name(reply.state)}, {"processes", processes}};
  json[is_held ? "lock" : "holder"] = host::json_of(is_held ? reply.lock : reply.holder);
  return json;
}

Status DeployHold::start_coordinator() {
  TrackerStart start{.listen = fmt::format("[::]:{}", options_.port),
                     .idle_max = coordinator_idle_max,
                     .run_directory = run_directory_,
                     .state = "memory:",
                     .once_for = coordinator_lease,
                     .key_lines = options_.key_lines};
  Result<Json> started = fleet_port_is_taken_ ? Result<Json>(fail(ErrorCode::conflict, "taken"))
                                              : start_tracker(start);
  if (!started) {
    // By another tracker, or by anything else.
    start.listen = "[::]:0";
    started = start_tracker(start);
  }
  if (!started) {
    return fail(started.error());
  }
  for (const Json& place : (*started)["listen"]) {
    if (const std::optional<HostPort> parsed = HostPort::parse(place.text(), 0)) {
      coordinator_port_ = parsed->port;
    }
  }
  return coordinator_port_ != 0 ? Status()
                                : fail(ErrorCode::io, "the coordinator did not say where it is");
}

Status DeployHold::renew_if_due(Instant now) {
  if (now < renew_at_) {
    return {};
  }
  const Result<host::LockReply> reply = keep(true);
  // One that is not renewed lasts a while, and the next renewal may get through.
  if (!reply || reply->state == host::LockState::held) {
    return {};
  }
  is_tag_taken_ = reply->holder.tag == options_.tag;
  return fail(ErrorCode::conflict,
              fmt::format("{} took over with a {}, since {}: this deploy ends", reply->holder.owner,
                          reply->holder.why, reply->holder.since));
}

std::vector<std::string> DeployHold::command(std::string_view name) const {
  std::vector<std::string> words = {std::string(name), "--json", "--quiet"};
  if (!run_directory_.empty()) {
    words.insert(words.end(), {"--run-dir", run_directory_});
  }
  return words;
}

std::string DeployHold::give_back(const std::string& info_hash) {
  std::string trouble;
  if (coordinator_port_ != 0 && coordinator_port_ != options_.port) {
    for (const host::RunningProcess& process : host::list_processes(directory_)) {
      if (is_tracker_at(process, coordinator_port_)) {
        const Status stopped = host::stop_process(directory_, process, coordinator_stop_max);
        trouble = stopped ? trouble : stopped.error().text;
      }
    }
  }
  std::vector<std::string> words = command("unlock");
  words.insert(words.end(),
               {"--token", options_.token, "--port", fmt::format("{}", options_.port)});
  if (!info_hash.empty()) {
    words.insert(words.end(), {"--after", info_hash});
  }
  const Result<Json> told = run_own_command(words, unlock_time_max);
  if (!told) {
    return told.error().text;
  }
  return text_member(*told, "tracker") == "needed"
             ? fmt::format("the tracker is left running: {}", text_member(*told, "reason"))
             : trouble;
}

}  // namespace murder::cli
