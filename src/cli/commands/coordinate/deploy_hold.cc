#include "cli/commands/coordinate/deploy_hold.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "cli/commands/coordinate/own_command.h"
#include "cli/commands/tracker_start.h"
#include "engine/base/endpoint.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/utc_text.h"
#include "engine/host/control.h"
#include "engine/host/deploy_lock_file.h"
#include "engine/host/processes.h"
#include "engine/io/sockets.h"

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
constexpr Duration taken_over_look_every = std::chrono::seconds(1);
constexpr Duration port_wait_max = std::chrono::seconds(20);
constexpr Duration port_look_every = std::chrono::milliseconds(100);

// One that nobody listens on now.
Result<uint16_t> free_port() {
  const io::Fd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  socklen_t size = sizeof address;
  if (!socket.is_open() ||
      bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return fail_errno(errno, "no free port for the coordinator");
  }
  return ntohs(address.sin6_port);
}

bool is_tracker_at(const host::RunningProcess& process, uint16_t port) {
  return process.kind() == host::kind_tracker && host::listens_on(process.status, port);
}

bool is_coordinator(const host::RunningProcess& process, const DeployPlace::Coordinator& noted) {
  return process.pid == noted.pid && is_tracker_at(process, noted.port);
}

// Of the swarm: the first line.
std::string fleet_key_in(const std::string& key_lines) {
  return key_lines.substr(0, key_lines.find('\n'));
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
                            .origin = options_.origin,
                            .until_s = static_cast<uint64_t>(deploy_lock_lease.count()),
                            .is_coordinated = true,
                            .fleet_key = fleet_key_in(options_.key_lines)},
                   .tracker_runs = tracker_runs,
                   .seeder_runs = seeder_runs,
                   .is_renewal = is_renewal,
                   .drops_key = options_.key_lines.empty(),
                   .replaced = options_.replaced,
                   .ousted = options_.ousted});
}

bool DeployHold::must_leave_port() const {
  const bool is_taken = std::ranges::any_of(
      host::list_processes(directory_),
      [this](const auto& process) { return is_tracker_at(process, options_.port); });
  if (!options_.has_other_way || !is_taken) {
    return false;
  }
  return !is_port_of_a_coordinator();
}

bool DeployHold::is_port_of_a_coordinator() const {
  host::DeployLockFile file(directory_);
  const uint64_t now_s = host::boot_clock().now_s;
  return std::ranges::any_of(file.locks(), [&](const host::DeployLock& lock) {
    return lock.is_coordinated && !lock.is_of_agent && !lock.is_replaced && lock.until_s > now_s &&
           lock.token != options_.token;
  });
}

// What the deploy serves has its own key, whatever a seeder has that it takes over: whoever takes
// over from it has to know.
Result<host::LockReply> DeployHold::take() {
  Result<host::LockReply> reply = keep(false);
  const bool has_other_key = reply && reply->state == host::LockState::held &&
                             reply->lock.fleet_key != fleet_key_in(options_.key_lines);
  return has_other_key ? keep(true) : std::move(reply);
}

Json DeployHold::json_of(const host::LockReply& reply, const Json& processes) {
  const bool is_held = reply.state == host::LockState::held;
  Json json = {{"state", host::lock_state_name(reply.state)}, {"processes", processes}};
  json[is_held ? "lock" : "holder"] = host::json_of(is_held ? reply.lock : reply.holder);
  return json;
}

// The one that is replaced hears of it within a second, and has its agents end first.
void DeployHold::await_port() {
  const Instant deadline = monotonic_now() + port_wait_max;
  while (fleet_port_is_taken_ && monotonic_now() < deadline) {
    ::poll(nullptr, 0, static_cast<int>(port_look_every / std::chrono::milliseconds(1)));
    fleet_port_is_taken_ = std::ranges::any_of(
        host::list_processes(directory_),
        [this](const auto& process) { return is_tracker_at(process, options_.port); });
  }
}

// Another deploy's may have its port by now.
bool DeployHold::has_own_coordinator() const {
  return std::ranges::any_of(host::list_processes(directory_), [this](const auto& process) {
    return is_coordinator(process, place_->coordinator());
  });
}

TrackerStart DeployHold::coordinator_start(uint16_t port) const {
  return {.listen = fmt::format("[::]:{}", port),
          .idle_max = coordinator_idle_max,
          .run_directory = run_directory_,
          .state = place_->state(),
          .once_for = coordinator_lease,
          .key_lines = options_.key_lines};
}

Status DeployHold::take_started(const Json& started) {
  for (const Json& listens : started["listen"]) {
    if (const std::optional<HostPort> parsed = HostPort::parse(listens.text(), 0)) {
      coordinator_port_ = parsed->port;
    }
  }
  const auto pid = static_cast<int>(count_member(started, "pid"));
  return coordinator_port_ != 0 && pid > 0
             ? place_->note({.port = coordinator_port_, .pid = pid})
             : fail(ErrorCode::io, "the coordinator did not say where it is");
}

Status DeployHold::start_coordinator() {
  Result<DeployPlace> place = DeployPlace::take(directory_.path(), options_.token);
  if (!place) {
    return fail(place.error());
  }
  place_.emplace(std::move(*place));
  const uint16_t before = place_->coordinator().port;
  has_state_ = is_resumed_ = before != 0;
  if (is_resumed_ && has_own_coordinator()) {
    coordinator_port_ = before;
    return {};
  }
  if (before == options_.port && fleet_port_is_taken_) {
    // By another tracker since ours is gone.
    host::DeployLockFile file(directory_);
    host::disown_tracker(file.locks(), options_.token);
    if (Status saved = file.save(); !saved) {
      return saved;
    }
  }
  if (options_.waits_for_port && !is_resumed_) {
    await_port();
  }
  const uint16_t port = before != 0 ? before : options_.port;
  const bool is_taken = port == options_.port && fleet_port_is_taken_;
  Result<Json> started = is_taken ? Result<Json>(fail(ErrorCode::conflict, "taken"))
                                  : start_tracker(coordinator_start(port));
  if (!started && options_.has_other_way && !options_.waits_for_port && !is_resumed_ &&
      !is_port_of_a_coordinator()) {
    return fail(ErrorCode::exists, started.error().text);
  }
  if (!started) {
    // By another tracker, or by anything else. Its agents do not find it there.
    is_resumed_ = false;
    const Result<uint16_t> free = free_port();
    started = free ? start_tracker(coordinator_start(*free)) : fail(free.error());
  }
  return started ? take_started(*started) : fail(started.error());
}

Status DeployHold::revive_coordinator() {
  if (has_own_coordinator()) {
    return {};
  }
  const Result<Json> started = start_tracker(coordinator_start(coordinator_port_));
  return started ? take_started(*started) : fail(started.error());
}

Status DeployHold::renew_if_due(Instant now) {
  if (now >= look_at_) {
    look_at_ = now + taken_over_look_every;
    const host::NewerDeploy newer = host::newer_deploy_than(
        directory_, {.token = options_.token, .app = options_.app, .tag = options_.tag});
    renew_at_ = newer.text.empty() ? renew_at_ : now;
  }
  if (now < renew_at_) {
    return {};
  }
  const Result<host::LockReply> reply = keep(true);
  // One that is not renewed lasts a while, and the next renewal may get through.
  if (!reply || reply->state == host::LockState::held) {
    return {};
  }
  is_taken_over_ = true;
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

std::string DeployHold::stop_own_coordinator() const {
  std::string trouble;
  for (const host::RunningProcess& process : host::list_processes(directory_)) {
    if (place_ && is_coordinator(process, place_->coordinator())) {
      const Status stopped = host::stop_process(directory_, process, coordinator_stop_max);
      trouble = stopped ? trouble : stopped.error().text;
    }
  }
  return trouble;
}

std::string DeployHold::give_back(const std::string& info_hash) {
  std::string trouble;
  if (coordinator_port_ != 0 && (coordinator_port_ != options_.port || is_taken_over_)) {
    trouble = stop_own_coordinator();
  }
  std::vector<std::string> words = command("unlock");
  words.insert(words.end(),
               {"--token", options_.token, "--port", fmt::format("{}", options_.port)});
  if (!info_hash.empty()) {
    words.insert(words.end(), {"--after", info_hash});
  }
  const Result<Json> told = run_own_command(words, unlock_time_max);
  if (place_) {
    if (const Status removed = place_->remove(); !removed) {
      trouble = removed.error().text;
    }
  }
  if (!told) {
    return told.error().text;
  }
  return text_member(*told, "tracker") == "needed"
             ? fmt::format("the tracker is left running: {}", text_member(*told, "reason"))
             : trouble;
}

}  // namespace murder::cli
