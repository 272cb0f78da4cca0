#include "cli/fleet/rollout/agent_channels.h"

#include <fmt/format.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "cli/fleet/rollout/agent_start.h"
#include "cli/fleet/steps.h"
#include "engine/base/endpoint.h"
#include "engine/base/json.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/open_files_limit.h"
#include "engine/control/frame.h"

namespace murder::fleet {
namespace {

// The end of a deploy comes by several sessions, in any order: a channel's may be told before what
// came of its host.
constexpr Duration channel_trouble_wait = std::chrono::seconds(5);
// A host that its coordinator has not heard for 20 s is given up.
constexpr uint32_t channel_again_max = 4;
constexpr Duration channel_again_wait = std::chrono::seconds(1);
// One that has lasted so long was not opened in vain.
constexpr Duration channel_lasting = std::chrono::minutes(1);

Result<std::unique_ptr<PassedSession>> start_session(Work& work, HostIndex host,
                                                     std::string_view stage,
                                                     const std::string& command) {
  Result<PassedSession> session = PassedSession::start(work, host, stage, command);
  if (!session) {
    return fail(session.error());
  }
  return std::make_unique<PassedSession>(std::move(*session));
}

}  // namespace

void AgentChannels::stop() {
  is_stopped_ = true;
  again_.clear();
  end_relay();
}

void AgentChannels::end_relay() {
  if (thread_.joinable()) {
    pump_->stop();
    thread_.join();
  }
  channels_.clear();
  relay_.reset();
}

void AgentChannels::forget() {
  stop();
  pump_.reset();
  for (const HostIndex host : hosts_) {
    run_.at(host).has_begun = false;
  }
  hosts_.clear();
  tries_.clear();
  coordinator_.clear();
  is_stopped_ = false;
}

void AgentChannels::open(const Opening& opening) {
  if (is_stopped_) {
    return;
  }
  if (const Status opened = try_to_open(opening); !opened) {
    run_.fail_host(opening.host, "start-agent",
                   fmt::format("{}, and through ssh: {}", opening.why, opened.error().text));
  }
}

Status AgentChannels::try_to_open(const Opening& opening) {
  if (Status started = start_relay(opening.coordinator_host, opening.place.coordinator); !started) {
    return started;
  }
  Result<std::unique_ptr<PassedSession>> session =
      start_session(run_.work, opening.host, "agent",
                    agent_channel_command(murder_path_of(run_.work), agent_words_of(run_)));
  if (!session) {
    return fail(session.error());
  }
  std::string first;
  control::append_frame(first, passed_agent_input_of(run_, opening.host, opening.place));
  StreamEnds streams = (*session)->take_streams();
  if (!contains(hosts_, opening.host)) {
    hosts_.push_back(opening.host);
  }
  tries_[opening.host.raw].opened_at = monotonic_now();
  channels_.push_back({.opening = opening, .session = std::move(*session)});
  pump_->open(static_cast<uint32_t>(channels_.size()), std::move(streams), std::move(first));
  return {};
}

Status AgentChannels::start_relay(HostIndex host, const std::string& coordinator) {
  if (relay_ != nullptr) {
    return {};
  }
  const std::optional<HostPort> place = HostPort::parse(coordinator, 0);
  if (!place) {
    return fail(ErrorCode::invalid_input, coordinator + " is not HOST:PORT");
  }
  // Five for each host that is passed on, here, and four where the relay is.
  static_cast<void>(raise_open_files_limit());
  Result<std::unique_ptr<PassedSession>> session = start_session(
      run_.work, host, "relay", relay_command(murder_path_of(run_.work), place->port));
  if (!session) {
    return fail(session.error());
  }
  Result<std::unique_ptr<ChannelPump>> pump =
      ChannelPump::create({.is_framed = true}, (*session)->take_streams());
  if (!pump) {
    return fail(pump.error());
  }
  try {
    thread_ = std::thread([at = pump->get()] { at->run(); });
  } catch (const std::system_error& error) {
    return fail(ErrorCode::limit, fmt::format("no thread can be started: {}", error.what()));
  }
  pump_ = std::move(*pump);
  relay_ = std::move(*session);
  coordinator_ = coordinator;
  return {};
}

// False: it was opened too often.
bool AgentChannels::open_again(const Opening& opening) {
  Tries& tries = tries_[opening.host.raw];
  tries.count = monotonic_now() - tries.opened_at < channel_lasting ? tries.count : 0;
  uint32_t& count = tries.count;
  if (is_ending_ || run_.at(opening.host).has_failed || count == channel_again_max) {
    return false;
  }
  // The first at once; then after 1 s, 2 s, 4 s.
  const Duration wait = count == 0 ? Duration::zero() : channel_again_wait * (1U << (count - 1));
  ++count;
  again_.push_back({.opening = opening, .due = monotonic_now() + wait});
  return true;
}

// With the relay all channels are lost; those that were opened too often fail their hosts.
void AgentChannels::relay_again(const std::string& reason) {
  std::vector<Opening> openings;
  for (const Channel& channel : channels_) {
    if (!channel.is_over && !run_.at(channel.opening.host).has_failed) {
      openings.push_back(channel.opening);
    }
  }
  std::vector<HostIndex> hosts;
  for (const Opening& opening : openings) {
    if (open_again(opening)) {
      hosts.push_back(opening.host);
    } else if (!run_.at(opening.host).is_settled()) {
      run_.fail_host(opening.host, "start-agent",
                     fmt::format("{}, and through ssh: {}", opening.why, reason));
    }
  }
  if (!hosts.empty()) {
    run_.work.view().note(
        fmt::format("{}; starting it again for {}", reason, folded_names(run_.work, hosts)));
  }
  end_relay();
  pump_.reset();
}

void AgentChannels::open_due() {
  const Instant now = monotonic_now();
  const std::vector<Again> waiting = std::exchange(again_, {});
  for (const Again& each : waiting) {
    if (each.due > now) {
      again_.push_back(each);
    } else if (!run_.at(each.opening.host).has_failed) {
      open(each.opening);
    }
  }
}

void AgentChannels::look(bool is_ending) {
  is_ending_ = is_ending;
  if (relay_ != nullptr) {
    look_at_relay();
  }
  if (relay_ != nullptr) {
    look_at_sessions();
    fail_hosts();
  }
  open_due();
}

void AgentChannels::look_at_relay() {
  const std::optional<HostResult> ended = relay_->look(run_.work);
  if (!ended) {
    return;
  }
  const std::string reason =
      fmt::format("`murder relay` on {} has ended{}{}", run_.work.inventory().at(ended->host).name,
                  ended->reason.empty() ? "" : ": ", ended->reason);
  if (is_ending_) {
    pump_->end_connection(reason);
  } else {
    relay_again(reason);
  }
}

void AgentChannels::look_at_sessions() {
  for (size_t index = 0; index < channels_.size(); ++index) {
    Channel& channel = channels_[index];
    if (const std::optional<HostResult> ended = channel.session->look(run_.work)) {
      pump_->end_input(static_cast<uint32_t>(index + 1));
      channel.trouble.clear();  // it says it better than what is behind the relay
      note_trouble(channel, ended->reason);
      const bool is_lost = ended->outcome == Outcome::unreachable && !channel.is_over;
      const bool is_again = is_lost && open_again(channel.opening);
      channel.is_over = channel.is_over || ended->is_ok() || is_again;
      if (is_again) {
        run_.work.view().note(fmt::format("{}: {} (trying again)",
                                          run_.work.inventory().at(channel.opening.host).name,
                                          ended->reason));
      }
    }
  }
  for (const ChannelPump::Ended& ended : pump_->take_ended()) {
    note_trouble(channels_[ended.channel - 1], ended.why);
  }
}

void AgentChannels::note_trouble(Channel& channel, const std::string& reason) {
  if (!reason.empty() && channel.trouble.empty()) {
    channel.trouble = reason;
    channel.trouble_at = monotonic_now();
  }
}

void AgentChannels::fail_hosts() {
  for (Channel& channel : channels_) {
    if (channel.is_over || channel.trouble.empty() ||
        monotonic_now() - channel.trouble_at < channel_trouble_wait) {
      continue;
    }
    channel.is_over = true;
    const Opening& opening = channel.opening;
    if (!run_.at(opening.host).is_settled()) {
      run_.fail_host(
          opening.host, "start-agent",
          fmt::format("{}, and through its ssh session: {}", opening.why, channel.trouble));
    }
  }
}

std::string AgentChannels::text() const {
  if (hosts_.empty()) {
    return {};
  }
  return fmt::format(
      "{} cannot connect to {}: what is said to the coordinator goes through ssh, and this command "
      "has to stay for {}",
      folded_names(run_.work, hosts_), coordinator_, hosts_.size() == 1 ? "it" : "them");
}

}  // namespace murder::fleet
