// An agent's process for the time of one deploy: its lease, whoever started it, and its end.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "agent/agent_process.h"
#include "agent/bounds.h"
#include "agent/once_places.h"
#include "agent/placed.h"
#include "engine/base/small_file.h"
#include "engine/control/bounds.h"

namespace murder::agent {

Status AgentProcess::begin_once() {
  if (Status noted = note_once_place(state_, run_.options); !noted) {
    return noted;
  }
  if (!run_.once->key_lines.empty()) {
    if (Status written = write_small_file(fmt::format("{}/{}", state_.path(), once_key_name),
                                          run_.once->key_lines, /*sync_to_disk=*/false);
        !written) {
      return written;
    }
  }
  if (run_.once->lock) {
    lock_.emplace(*reactor_, run_.once->run_directory, *run_.once->lock);
  }
  if (run_.once->stdio != nullptr) {
    Result<std::unique_ptr<StdioRelay>> relay =
        StdioRelay::create(*reactor_, std::move(*run_.once->stdio));
    if (!relay) {
      return fail(relay.error());
    }
    relay_ = std::move(*relay);
  }
  if (run_.once->tells_parent && parent_.hangup_fd() >= 0) {
    reactor_->poll(parent_poll_, parent_.hangup_fd(), POLLIN | POLLHUP | POLLRDHUP);
  }
  const bool waits = run_.once->connect_max > Duration::zero();
  once_timer_.arm(reactor_->now() + (waits ? run_.once->reach_max / 2 : run_.once->lease));
  return {};
}

void AgentProcess::start_link() {
  if (relay_ != nullptr) {
    link_->start_on(relay_->take_link());
  } else {
    link_->start();
  }
}

// Often enough for the lease, whatever it is.
Duration AgentProcess::heartbeat_interval() const {
  return run_.once ? std::min<Duration>(limits::control_heartbeat,
                                        run_.once->lease / limits::agent_once_heartbeats)
                   : limits::control_heartbeat;
}

void AgentProcess::tell_connected() {
  if (!run_.once || std::exchange(has_told_parent_, true)) {
    return;
  }
  once_timer_.arm(reactor_->now() + run_.once->lease);
  if (!run_.once->tells_parent) {
    return;
  }
  const std::string place = link_->coordinator().text();
  Json placed = Json::array();
  Json tags = Json::object();
  for (const AppOptions& app : run_.options.apps) {
    for (const PlacedName& release : placed_releases(app)) {
      placed.push_back(release.info_hash);
      tags[release.info_hash] = release.tag;
    }
  }
  parent_.finish(
      {.text = fmt::format("the agent of {} is connected to {}", run_.options.host, place),
       .json = {{"host", run_.options.host},
                {"coordinator", place},
                {"pid", getpid()},
                {"placed", placed},
                {"placed_tags", tags}}});
}

void AgentProcess::once_due(io::Timer& timer) {
  if (end_) {
    end_ = AgentEnd::stopped;  // what should have ended by itself is ended
    reactor_->stop();
    return;
  }
  const Instant now = reactor_->now();
  if (!has_told_parent_ && run_.once->connect_max > Duration::zero()) {
    look_for_coordinator(now);
    return;
  }
  if (now - renewed_at_ >= run_.once->lease) {
    say(host::ServiceEventKind::stopping,
        "no coordinator renewed the lease of this agent: it ends");
    begin_end(AgentEnd::no_lease);
    return;
  }
  timer.arm(renewed_at_ + run_.once->lease);
}

// Of a port that can be reached the kernel there takes the connection, however busy that host is,
// and by the second look this process has had its turn to see that.
void AgentProcess::look_for_coordinator(Instant now) {
  const Instant end = renewed_at_ + run_.once->connect_max;
  const bool is_second = std::exchange(has_looked_, true);
  if (now >= end || (is_second && !link_->has_reached())) {
    keep_partial_ =
        true;  // the next one of this deploy, in an ssh session perhaps, goes on with it
    begin_end(link_->has_reached() ? AgentEnd::no_coordinator : AgentEnd::unreached);
    return;
  }
  once_timer_.arm(link_->has_reached() ? end : now + run_.once->reach_max / 2);
}

void AgentProcess::parent_gone(io::Operation&, int32_t, uint32_t) {
  if (!has_told_parent_ && !end_) {
    begin_end(AgentEnd::stopped);
  }
}

void AgentProcess::finish_once() {
  is_pumping_ = true;  // nothing is begun or written any more
  if (relay_ != nullptr) {
    // Peers that end now would wait for this thread, which waits for them, to pass that on.
    relay_->refuse();
    reactor_->run_until([this] { return relay_->is_refusing(); });
  }
  if (Status gone = leave_no_trace(state_, run_.options, keep_partial_); !gone) {
    parent_.warn(gone.error().text);
  }
  if (lock_) {
    lock_->give_back();
    lock_.reset();
  }
}

}  // namespace murder::agent
