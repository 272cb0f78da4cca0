// The agents of a deploy, what its coordinator is told of them, and the end.
#include <fmt/format.h>

#include <algorithm>

#include "cli/fleet/plan/rollout_step.h"
#include "cli/fleet/rollout/agent_start.h"
#include "cli/fleet/rollout/rollout_deployment.h"
#include "cli/fleet/rollout/rollout_parts.h"
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
                                .coordinator = coordinator_,
                                .hosts_needed = hosts_needed(),
                                .activates = activates(),
                                .orders = orders_}));
  has_order_ = true;
}

void RolloutDeployment::start_agents() {
  agents_.start({.coordinator = coordinator_, .is_recorded = activates(), .earlier = earlier_});
  for (AgentStarts::Unreached& each : agents_.take_unreached()) {
    channels_.open({.host = each.host,
                    .coordinator_host = *host_,
                    .place = std::move(each.place),
                    .why = std::move(each.why)});
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

// --- ^C, and a terminal that is gone -------------------------------------------------------------

void RolloutDeployment::take_interrupt() {
  if (!work_.is_interrupted() || is_end_told_) {
    return;
  }
  const bool is_settled = is_settled_told_ && run_.runner.is_alone(coordinate_kind_);
  // What is typed has to be an answer: not the rest of a list that a loop reads.
  switch (interrupt_step({.is_hangup = work_.interrupts().is_hangup(),
                          .is_second = work_.interrupts().cleaning_up().is_set(),
                          .is_attached = options_.rollout->is_attached,
                          .is_settled = is_settled,
                          .was_lost = !lost_.hosts().empty(),
                          .lacks_lost_hosts_alone = lacks_lost_hosts_alone(),
                          .can_ask = cli::is_on_terminal() && isatty(STDIN_FILENO) != 0})) {
    case InterruptStep::leave:
      is_left_ = true;
      return;
    case InterruptStep::stay:
      return;
    case InterruptStep::ask:
      ask_what_to_do();
      return;
    case InterruptStep::end:
      break;
  }
  begin_end();
  if (is_asked_) {
    work_.context().note("interrupted: ending what was started (^C again: leave it)");
    say({{"end", "interrupted"}});
  }
}

// All others have what they need to go on.
bool RolloutDeployment::lacks_lost_hosts_alone() const {
  return !coordinator_.empty() && has_order_ && has_seeder_ && !lost_.hosts().empty() &&
         std::ranges::all_of(work_.inventory().peers, [this](HostIndex host) {
           const DeployHost& here = run_.at(host);
           return !here.is_peer || here.has_begun || here.has_failed || is_lost_now(host);
         });
}

bool RolloutDeployment::is_lost_now(HostIndex host) const {
  return run_.at(host).reach == Reach::unknown && contains(lost_.hosts(), host);
}

void RolloutDeployment::begin_end() {
  is_end_told_ = true;
  ending_.set();
}

// The screen would wipe the question away.
void RolloutDeployment::ask_what_to_do() {
  constexpr std::string_view answers = "lauw";
  const std::string& host = work_.inventory().at(*host_).name;  // it may be lost meanwhile
  std::vector<HostIndex> lost = lost_.hosts();
  std::erase_if(lost, [this](HostIndex each) { return !is_lost_now(each); });
  const std::string without =
      lost.empty() ? ""
                   : fmt::format(" (without this command not on {})", folded_names(work_, lost));
  work_.view().clear();
  is_asking_ = true;
  char answer = '\0';
  while (answers.find(answer) == std::string_view::npos) {
    cli::print_message(fmt::format(
        "\n{} goes on on {}{}: (l)eave it running, (a)bort, (u)ndo, or go on (w)atching? ",
        options_.tag, host, without));
    answer = typed_answer(run_, following_.ended());
  }
  is_asking_ = false;
  if (work_.interrupts().is_hangup()) {
    return;  // nobody has answered
  }
  switch (answer) {
    case 'l':
      is_left_ = true;
      return;
    case 'a':
      begin_end();
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
  packing_.cancel();
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
