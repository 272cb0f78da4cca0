// The agents of a deploy, what its coordinator is told of them, and the end.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/fleet/rollout/agent_start.h"
#include "cli/fleet/rollout/rollout_deployment.h"
#include "cli/fleet/same_machine.h"
#include "cli/fleet/steps.h"
#include "cli/ui/output.h"
#include "engine/control/names.h"
#include "engine/trust/base64.h"
#include "engine/trust/statement.h"

namespace murder::fleet {
namespace {

constexpr size_t typed_bytes_max = 256;

}  // namespace

std::string RolloutDeployment::app_name() const {
  const std::string& application = options_.application;
  const bool is_name =
      control::validate_name(application, "app") && trust::validate_application(application);
  return is_name ? application : "deploy";
}

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

void RolloutDeployment::say(const Json& message) {
  run_.runner.write(*host_, coordinate_kind_, json_text(message) + "\n");
}

void RolloutDeployment::send_order() {
  Json names = Json::array();
  uint32_t count = 0;
  for (const HostIndex host : work_.inventory().peers) {
    if (run_.at(host).is_peer) {
      names.push_back(agent_name_of(work_.inventory().at(host), host.raw));
      ++count;
    }
  }
  Json plan = options_.rollout->plan;
  if (!plan.contains("max_fail")) {
    plan["max_fail"] = fmt::format("{}", count - hosts_needed() + 1);
  }
  plan["progress_deadline_s"] = options_.stall_timeout / std::chrono::seconds(1);
  plan["allow_older"] = options_.placing.allow_older;
  Json order = {{"release", trust::encode_base64(release_->torrent.bytes)},
                {"info_hash", outcome_.info_hash},
                {"app", app_name()},
                {"plan", std::move(plan)},
                {"hosts", std::move(names)},
                {"needed", hosts_needed()},
                {"leaves_laggards", options_.quorum.has_value()},
                {"activates", activates()},
                {"attached", options_.rollout->is_attached},
                {"path_is_file", release_->torrent.name == options_.tag},
                {"keep_temp_files", options_.keep_temp_files},
                {"timeout_s", options_.timeout / std::chrono::seconds(1)}};
  if (orders_.is_array()) {
    order["orders"] = orders_;
  }
  say(order);
  has_order_ = true;
}

void RolloutDeployment::start_agents() {
  for (const HostIndex host : work_.inventory().peers) {
    const DeployHost& here = run_.at(host);
    if (here.is_peer && here.state == HostState::waiting && here.reach == Reach::ready &&
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
          .app = app_name(),
          .is_recorded = activates(),
          .had_release = contains(earlier_, index)};
}

void RolloutDeployment::take_agent(const HostResult& result) {
  DeployHost& here = run_.at(result.host);
  here.has_begun = true;
  if (const std::string why = AgentChannels::reason_to_open(result); !why.empty()) {
    channels_.open({.host = result.host,
                    .coordinator_host = *host_,
                    .place = place_of_agent(result.host),
                    .why = why});
    return;
  }
  if (result.is_ok()) {
    following_.note_placed(result.host, json_output(result)["placed_tags"]);
  } else if (!here.has_failed && result.outcome != Outcome::interrupted &&
             result.outcome != Outcome::not_started) {
    run_.fail_host(result);
  }
}

// A host that is not reached holds up nobody where enough others are.
void RolloutDeployment::leave_unreached() {
  if (!options_.quorum || monotonic_now() - run_.started_at < dead_host_wait) {
    return;
  }
  for (const HostIndex host : work_.inventory().peers) {
    const DeployHost& here = run_.at(host);
    if (here.is_peer && here.state == HostState::connecting) {
      arrival_.give_up(
          host, fmt::format("not reached within {} s", dead_host_wait / std::chrono::seconds(1)));
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
  const std::string& machine = work_.facts_of(host).machine;
  if (machine.empty() || !run_.at(host).is_peer) {
    return;
  }
  for (const HostIndex other : work_.inventory().peers) {
    if (other == host || !run_.at(other).is_peer || run_.at(other).reach != Reach::ready ||
        work_.facts_of(other).machine != machine) {
      continue;
    }
    const bool is_first = host < other && !contains(begun_, other);
    const OtherName names{.name = is_first ? other : host, .machine = is_first ? host : other};
    run_.at(names.name).is_peer = false;
    outcome_.other_names.push_back(names);
    tell_other_name(work_, names);
    return;
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
  work_.view().clear();
  is_asking_ = true;
  char answer = '\0';
  while (answers.find(answer) == std::string_view::npos) {
    cli::print_message(fmt::format(
        "\n{} goes on on {}: (l)eave it running, (a)bort, (u)ndo, or go on (w)atching? ",
        options_.tag, work_.inventory().at(*host_).name));
    answer = read_answer();
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
      say({{"undo", true}, {"orders", orders_}});
      break;
    default:
      break;
  }
  work_.interrupts().forget();
}

// The first character of a line. A second ^C, a terminal that is gone and the end of what is typed
// leave it running.
char RolloutDeployment::read_answer() {
  constexpr int look_ms = 200;
  std::string typed;
  while (typed.find('\n') == std::string::npos && typed.size() < typed_bytes_max) {
    pollfd source{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&source, 1, look_ms);
    if (work_.interrupts().cleaning_up().is_set() || work_.interrupts().is_hangup()) {
      return 'l';
    }
    if (ready <= 0) {
      run_.runner.step();  // what it tells meanwhile is read
      if (!following_.ended().is_null()) {
        return 'w';  // it is over
      }
      continue;
    }
    std::array<char, typed_bytes_max> part{};
    const ssize_t size = ::read(STDIN_FILENO, part.data(), part.size());
    if (size <= 0) {
      return 'l';
    }
    typed.append(part.data(), static_cast<size_t>(size));
  }
  return typed.front();
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
  run_.add(*host_, clean_kind_,
           CommandLine::murder(murder_path_of(work_), "finish")
               .word(options_.tag)
               .path_option("--temp-path", options_.temp_path)
               .flag("--path-is-file", release_->torrent.name == options_.tag)
               .flag("--keep-temp-files", options_.keep_temp_files)
               .option("--token", run_.token)
               .option("--app", options_.destination_path)
               .flag("--quiet")
               .flag("--json")
               .text());
  while (!run_.runner.is_idle()) {
    run_.runner.step();
  }
}

}  // namespace murder::fleet
