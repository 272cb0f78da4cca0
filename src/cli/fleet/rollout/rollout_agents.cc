// The agents of a deploy, what its coordinator is told of them, and the end.
#include <fmt/format.h>

#include <algorithm>

#include "cli/fleet/rollout/agent_start.h"
#include "cli/fleet/rollout/rollout_deployment.h"
#include "cli/fleet/rollout/rollout_parts.h"
#include "cli/fleet/same_machine.h"
#include "cli/fleet/steps.h"
#include "cli/ui/output.h"

namespace murder::fleet {

// Where it is current on some already, whoever comes later is switched when it has it.
void RolloutDeployment::add_earlier_hosts() {
  if (!before_ || before_->is_activated || !options_.activate) {
    return;
  }
  for (const std::string& name : before_->done) {
    if (const std::optional<HostIndex> host = work_.inventory().find(name)) {
      earlier_.push_back(*host);
    }
  }
}

bool RolloutDeployment::activates() const {
  return options_.activate || (before_ && before_->is_activated);
}

uint32_t RolloutDeployment::peer_count() const {
  return static_cast<uint32_t>(
      std::ranges::count_if(run_.hosts, [](const DeployHost& host) { return host.is_peer; }));
}

// Of those that this deploy is about.
uint32_t RolloutDeployment::hosts_needed() const {
  if (before_ && before_->is_activated) {
    return 0;
  }
  const uint32_t had_before =
      before_ ? static_cast<uint32_t>(before_->done.size() - earlier_.size()) : uint32_t{0};
  const uint32_t all = peer_count() + had_before;
  const uint32_t needed = options_.quorum ? options_.quorum->hosts_needed(all) : all;
  return needed - std::min(needed, had_before);
}

// While it is lost nobody is there to be told.
void RolloutDeployment::say(const Json& message) {
  if (!is_asked_ || !host_) {
    return;
  }
  run_.runner.write(*host_, coordinate_kind_, json_text(message) + "\n");
}

void RolloutDeployment::send_order() {
  say(release_message_of(run_, {.release = *release_,
                                .info_hash = outcome_.info_hash,
                                .hosts_needed = hosts_needed(),
                                .activates = activates(),
                                .orders = orders_}));
  has_order_ = true;
}

void RolloutDeployment::start_agents() {
  for (const HostIndex host : work_.inventory().peers) {
    const DeployHost& here = run_.at(host);
    if (here.is_peer && here.state != HostState::failed && here.reach == Reach::ready &&
        !contains(begun_, host)) {
      start_agent(host);
    }
  }
}

void RolloutDeployment::start_agent(HostIndex index) {
  begun_.push_back(index);
  run_.at(index).is_touched = true;
  agent_inputs_.push_back(agent_input_of(run_, index, place_of_agent(index)));
  JobKind& kind = agent_kinds_.emplace_back(run_.kind("start-agent"));
  kind.input = agent_inputs_.back();
  run_.add(index, kind, agent_start_command(murder_path_of(work_), run_.token));
}

AgentPlace RolloutDeployment::place_of_agent(HostIndex index) const {
  return {.coordinator = coordinator_,
          .app = deploy_app_name(options_.application),
          .is_recorded = activates(),
          .had_release = contains(earlier_, index)};
}

void RolloutDeployment::take_agent(const HostResult& result) {
  DeployHost& here = run_.at(result.host);
  const bool was_stopped =
      result.outcome == Outcome::interrupted || result.outcome == Outcome::not_started;
  here.has_begun = here.has_begun || !was_stopped || work_.is_interrupted();
  if (const std::string why = AgentChannels::reason_to_open(result); !why.empty() && host_) {
    channels_.open({.host = result.host,
                    .coordinator_host = *host_,
                    .place = place_of_agent(result.host),
                    .why = why});
    return;
  }
  if (result.is_ok()) {
    following_.note_placed(result.host, json_output(result)["placed_tags"]);
  } else if (!here.has_failed && !was_stopped) {
    run_.fail_host(result);
  }
}

// A host that is not reached holds up nobody where enough others are.
void RolloutDeployment::leave_unreached() {
  if (!options_.quorum) {
    return;
  }
  for (const HostIndex host : work_.inventory().peers) {
    const std::string why = reason_to_give_up(run_, host, lost_, hosts_needed());
    if (!why.empty()) {
      arrival_.give_up(host, why);
    }
  }
}

// Which hosts will not come, and when no other will.
void RolloutDeployment::tell_coordinator() {
  if (!has_order_) {
    return;
  }
  Json missing = Json::array();
  Json dropped = Json::array();
  bool is_settled = true;
  for (const HostIndex host : work_.inventory().peers) {
    const DeployHost& here = run_.at(host);
    const bool is_out = here.has_failed && here.state == HostState::failed;
    if (!here.is_peer || is_out) {
      if (!missing_told_[host.raw]) {
        missing_told_[host.raw] = true;
        (here.is_peer ? missing : dropped)
            .push_back(agent_name_of(work_.inventory().at(host), host.raw));
      }
    } else {
      is_settled = is_settled && here.has_begun;
    }
  }
  if (missing.size() > 0) {
    say({{"missing", std::move(missing)}});
  }
  if (dropped.size() > 0) {
    say({{"dropped", std::move(dropped)}, {"needed", hosts_needed()}});
  }
  if (is_settled && !is_settled_told_) {
    is_settled_told_ = true;
    run_.runner.end_sessions();
    say({{"settled", true}});
    if (const std::string text = channels_.text(); !text.empty()) {
      work_.view().note(text);
    }
  }
}

// Two agents of one machine would be in each other's way.
void RolloutDeployment::drop_if_other_name(HostIndex host) {
  if (const std::optional<OtherName> names = other_name_of(run_, host, begun_)) {
    run_.at(names->name).is_peer = false;
    outcome_.other_names.push_back(*names);
    tell_other_name(work_, *names);
  }
}

// --- ^C, and a terminal that is gone -------------------------------------------------------------

void RolloutDeployment::take_interrupt() {
  if (!work_.is_interrupted() || is_end_told_) {
    return;
  }
  const bool goes_on_alone = is_settled_told_ && run_.runner.is_alone(coordinate_kind_);
  if (goes_on_alone && work_.interrupts().is_hangup() && !options_.rollout->is_attached) {
    is_left_ = true;
    return;
  }
  // What is typed has to be an answer: not the rest of a list that a loop reads.
  if (goes_on_alone && !work_.interrupts().is_hangup() && cli::is_on_terminal() &&
      isatty(STDIN_FILENO) != 0) {
    ask_what_to_do();
    return;
  }
  is_end_told_ = true;
  if (is_asked_) {
    work_.context().note("interrupted: ending what was started (^C again: leave it)");
    say({{"end", "interrupted"}});
  }
}

// The screen would wipe the question away.
void RolloutDeployment::ask_what_to_do() {
  constexpr std::string_view answers = "lauw";
  const std::string& host = work_.inventory().at(*host_).name;  // it may be lost meanwhile
  work_.view().clear();
  is_asking_ = true;
  char answer = '\0';
  while (answers.find(answer) == std::string_view::npos) {
    cli::print_message(fmt::format(
        "\n{} goes on on {}: (l)eave it running, (a)bort, (u)ndo, or go on (w)atching? ",
        options_.tag, host));
    answer = typed_answer(run_, following_.ended());
  }
  is_asking_ = false;
  switch (answer) {
    case 'l':
      is_left_ = true;
      return;
    case 'a':
      is_end_told_ = true;
      say({{"end", "aborted by who started it"}});
      return;
    case 'u':
      sign_undo();
      if (!is_asked_) {
        work_.view().warn("not undone: the coordinator is lost, and is looked for");
      }
      say({{"undo", true}, {"orders", orders_}});
      break;
    default:
      break;
  }
  work_.interrupts().forget();
}

// --- The end -------------------------------------------------------------------------------------

// What was started ends with it, unless it is left running.
void RolloutDeployment::end() {
  if (packing_ != nullptr) {
    packing_->cancel();
    packing_.reset();
  }
  if (!is_left_) {
    end_coordinator();
    end_seeder();
  }
  channels_.stop();
  run_.runner.stop(std::nullopt, nullptr);
  while (!run_.runner.is_idle()) {
    run_.runner.step();
  }
  clean_lost();
  work_.view().clear();
  following_.tell_warnings();
  run_.times.end("clean-up", monotonic_now());
  const std::string left = text_member(following_.ended(), "left");
  if (!left.empty()) {
    work_.context().warn(
        fmt::format("clean-up on {}: {}", work_.inventory().at(*host_).name, left));
  }
}

// It cleans up, and is waited for.
void RolloutDeployment::end_coordinator() {
  if (is_asked_ && following_.ended().is_null() && !is_end_told_) {
    say({{"end",
          outcome_.fatal ? std::string("the deploy has ended") : outcome_.fatal.error().text}});
  }
  while (is_asked_) {
    run_.runner.step();
  }
}

// One that was still being started when the coordinator cleaned up.
void RolloutDeployment::end_seeder() {
  if (!is_serving_ || has_seeder_) {
    return;
  }
  run_.runner.stop(host_, &send_kind_);
  run_.runner.stop(host_, &seed_kind_);
  run_.add(*host_, clean_kind_, finish_command_of(run_, release_->torrent.name == options_.tag));
  while (!run_.runner.is_idle()) {
    run_.runner.step();
  }
}

}  // namespace murder::fleet
