#include "cli/commands/coordinate/deploy_director.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "cli/commands/coordinate/own_command.h"
#include "cli/control/rollout_orders.h"
#include "engine/base/monotonic_clock.h"
#include "engine/trust/base64.h"

namespace murder::cli {
namespace {

constexpr Duration director_answer_wait = std::chrono::seconds(10);
// Hosts that are in the middle of an activation when the deploy is to end.
constexpr Duration abort_wait_max = std::chrono::minutes(2);
constexpr Duration agents_end_max = std::chrono::seconds(20);
constexpr Duration agents_look_every = std::chrono::milliseconds(2);
constexpr Duration clean_time_max = std::chrono::minutes(1);
constexpr size_t hosts_max = 100'000;

}  // namespace

DeployDirector::DeployDirector(HoldOptions options, std::string temp_path, DeployHold hold,
                               CoordinatorClient client, LineInput input, CommandContext& context)
    : options_(std::move(options)),
      temp_path_(std::move(temp_path)),
      hold_(std::move(hold)),
      client_(std::move(client)),
      context_(context),
      input_(std::move(input)),
      answered_at_(monotonic_now()),
      told_at_(answered_at_) {
  client_.set_answer_wait(director_answer_wait);
}

int DeployDirector::run() {
  while (!is_over_) {
    wait();
    const bool was_told = take_input();
    if (stop_.flag().is_set() && why_end_.empty()) {
      if (will_be_taken_up()) {
        return exit_failed;
      }
      why_end_ = "interrupted";
    }
    if (Status renewed = hold_.renew_if_due(monotonic_now()); !renewed) {
      why_end_ = renewed.error().text;
    }
    if (order_ && !has_begun_) {
      if (Status begun = begin(); !begun) {
        why_result_ = begun.error().text;
        break;
      }
    }
    if ((has_begun_ || !order_) && (monotonic_now() >= look_at_ || was_told)) {
      look();
    }
    if (has_begun_) {
      decide();
      tell_changes();
    } else if (!order_ && why_end_.empty() && input_.has_ended() && may_have_rollout()) {
      return exit_failed;  // it goes on; whoever comes back takes it up
    } else if (!why_end_.empty() || input_.has_ended()) {
      why_result_ = why_end_.empty() ? "the deploy has ended" : why_end_;
      is_over_ = true;
    }
    tell_alive();
  }
  end();
  return why_result_.empty() ? exit_done : exit_failed;
}

// Its host shuts down: as when that is cut off, the command that is there goes on with another one,
// here or elsewhere.
bool DeployDirector::will_be_taken_up() const {
  return !input_.has_ended() && !(order_ && order_->is_attached);
}

// Until something is said, or it is time to look.
void DeployDirector::wait() {
  pollfd source{.fd = input_.wait_fd(), .events = POLLIN, .revents = 0};
  const Instant until =
      input_.has_ended() ? look_at_ : std::min(look_at_, told_at_ + alive_told_every);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - monotonic_now());
  ::poll(&source, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
}

bool DeployDirector::take_input() {
  const bool had_ended = input_.has_ended();
  const std::vector<Json> told = input_.take();
  for (const Json& each : told) {
    if (each.contains("release")) {
      if (Status taken = take_order(each); !taken) {
        why_end_ = taken.error().text;
      }
    }
    for (const Json& name : each["missing"]) {
      if (const auto host = hosts_.find(name.text()); host != hosts_.end()) {
        give_up(host->second, "");
      }
    }
    for (const Json& name : each["dropped"]) {
      hosts_.erase(name.text());
    }
    if (order_ && each.contains("needed")) {
      order_->hosts_needed = static_cast<uint32_t>(count_member(each, "needed"));
    }
    if (each["undo"] == true && has_begun_) {
      // Nothing was activated yet: there is nothing to go back to.
      if (const Status undone = give_order("undo", each["orders"]); !undone) {
        why_end_ = fmt::format("interrupted: {}", undone.error().text);
      }
    }
    is_served_ = is_served_ || each["serving"] == true;
    if (each["settled"] == true) {
      note_settled();
    }
    if (each.contains("end")) {
      why_end_ = text_member(each, "end", "interrupted");
    }
  }
  if (!had_ended && input_.has_ended()) {
    note_settled();  // nobody is there who could start another agent
    if (order_ && order_->is_attached && why_end_.empty()) {
      why_end_ = "the command that started it is gone";
    }
  }
  return !told.empty();
}

void DeployDirector::note_settled() {
  if (!std::exchange(is_settled_, true)) {
    settled_at_ = monotonic_now();
  }
}

Status DeployDirector::take_order(const Json& told) {
  if (order_) {
    return {};
  }
  std::optional<std::string> torrent = trust::decode_base64(text_member(told, "release"));
  if (!torrent || told["hosts"].size() == 0 || told["hosts"].size() > hosts_max) {
    return fail(ErrorCode::invalid_input, "what the deploy sent is not a release for hosts");
  }
  order_ = DeployOrder{.app = text_member(told, "app"),
                       .torrent = std::move(*torrent),
                       .info_hash = text_member(told, "info_hash"),
                       .coordinator = text_member(told, "coordinator"),
                       .plan = told["plan"],
                       .hosts_needed = static_cast<uint32_t>(count_member(told, "needed")),
                       .leaves_laggards = told["leaves_laggards"] == true,
                       .activates = told["activates"] == true,
                       .is_attached = told["attached"] == true,
                       .path_is_file = told["path_is_file"] == true,
                       .keep_temp_files = told["keep_temp_files"] == true,
                       .timeout = std::chrono::seconds(count_member(told, "timeout_s")),
                       .orders = told["orders"]};
  started_at_ = monotonic_now();
  for (const Json& name : told["hosts"]) {
    hosts_[name.text()].view.moved_at = started_at_;
  }
  return {};
}

Status DeployDirector::give_order(std::string_view verb, Json orders) {
  const Result<Json> rollout = give_rollout_order(client_, verb, order_->app, std::move(orders));
  look_at_ = {};
  return rollout ? Status() : fail(rollout.error());
}

fleet::RolloutView DeployDirector::view() const {
  views_.clear();
  for (const auto& [name, host] : hosts_) {
    views_.push_back(host.view);
  }
  return {.hosts = views_,
          .state = state_,
          .activates = order_->activates,
          .hosts_needed = order_->hosts_needed,
          .waits_for_hosts = text_member(rollout_, "waits_for").empty(),
          .leaves_laggards = order_->leaves_laggards,
          .is_settled = is_settled_,
          .settled_at = settled_at_,
          .why_end = why_end_,
          .started_at = started_at_,
          .now = monotonic_now(),
          .timeout = order_->timeout};
}

void DeployDirector::decide() {
  const Instant now = monotonic_now();
  if (!why_end_.empty() && ending_since_ == Instant{}) {
    ending_since_ = now;
  }
  if (now - answered_at_ > coordinator_silent_max) {
    why_result_ = fmt::format("the coordinator does not answer any more{}{}",
                              why_gone_.empty() ? "" : ": ", why_gone_);
    is_over_ = true;
    return;
  }
  if (ending_since_ != Instant{} && now - ending_since_ > abort_wait_max) {
    why_result_ = why_end_;
    is_over_ = true;
    return;
  }
  if (state_.empty()) {
    return;  // it was not heard yet
  }
  const fleet::RolloutView seen = view();
  const fleet::RolloutDecision decision = next_rollout_step(seen);
  Status done;
  switch (decision.step) {
    case fleet::RolloutStep::wait:
      return;
    case fleet::RolloutStep::leave:
      leave_laggards(seen);
      return;
    case fleet::RolloutStep::resume:
      done = note_earlier_releases();
      done = done ? give_order("resume") : done;
      break;
    case fleet::RolloutStep::abort:
      why_result_ = decision.why;
      done = give_order("abort");
      break;
    case fleet::RolloutStep::end:
      state_ = state_ == "running" ? "done" : state_;
      // Not while the seeder is being started: it would outlast the deploy.
      is_over_ = is_served_ || !why_end_.empty() || input_.has_ended();
      return;
  }
  if (!done && done.error().code != ErrorCode::network && done.error().code != ErrorCode::timeout) {
    why_result_ = done.error().text;
    is_over_ = true;
  }
}

void DeployDirector::leave_laggards(const fleet::RolloutView& view) {
  for (auto& [name, host] : hosts_) {
    const bool is_pending = host.view.state != fleet::HostState::ready &&
                            host.view.state != fleet::HostState::active &&
                            host.view.state != fleet::HostState::failed;
    std::string why = is_pending ? reason_to_leave(view, host.view) : "";
    if (!why.empty()) {
      give_up(host, std::move(why));
    }
  }
}

void DeployDirector::give_up(Host& host, std::string why) {
  host.is_given = host.view.is_left = true;
  host.view.state = fleet::HostState::failed;
  host.why = std::move(why);
}

// What hosts run now, and ran before: they may have to return to it.
Status DeployDirector::note_earlier_releases() {
  for (; earlier_noted_ < earlier_.size(); ++earlier_noted_) {
    const std::string& info_hash = earlier_[earlier_noted_];
    const Result<Json> noted =
        client_.post(control_target("/control/release/known", {{"app", order_->app},
                                                               {"tag", info_hash},
                                                               {"info_hash", info_hash},
                                                               {"by", options_.owner}}),
                     Json::object());
    if (!noted) {
      return fail(noted.error());
    }
  }
  return {};
}

// --- The end -------------------------------------------------------------------------------------

bool DeployDirector::has_failed_hosts() const {
  return std::ranges::any_of(
      hosts_, [](const auto& host) { return host.second.view.state == fleet::HostState::failed; });
}

void DeployDirector::end() {
  if (!input_.has_ended()) {
    context_.print_json({{"ending", true}});
  }
  const std::string coordinator_why = text_member(rollout_, "why");
  if (why_result_.empty() && (state_ == "held" || state_ == "undone" || state_ == "aborted")) {
    why_result_ = coordinator_why.empty() ? state_ : coordinator_why;
  }
  std::string here;
  std::thread cleaning;
  // Before it had an order nothing of the tag here is its own.
  if (!hold_.is_tag_taken() && (order_ || hold_.has_state())) {
    cleaning = std::thread([this, &here] { here = clean_here(); });
  }
  end_agents();
  if (cleaning.joinable()) {
    cleaning.join();
  }
  const std::string lock = hold_.give_back(order_ ? order_->info_hash : "");
  context_.print_json(
      {{"ended", {{"state", state_}, {"why", why_result_}, {"left", here.empty() ? lock : here}}}});
}

// They stop what they started on their hosts, and are waited for: nothing is left there then.
void DeployDirector::end_agents() {
  const Instant deadline = monotonic_now() + agents_end_max;
  const Json body = {{"text", why_result_.empty() ? "the deploy is over" : why_result_},
                     {"keep_partial", has_failed_hosts() || hold_.is_tag_taken()}};
  while (true) {
    const Result<Json> told = client_.post("/control/end", body);
    if (!told || count_member(*told, "agents") == 0 || monotonic_now() >= deadline) {
      return;
    }
    ::poll(nullptr, 0, static_cast<int>(agents_look_every / std::chrono::milliseconds(1)));
  }
}

// The seeder and its archive.
std::string DeployDirector::clean_here() {
  std::vector<std::string> words = {"finish",  options_.tag,   "--temp-path", temp_path_,
                                    "--token", options_.token, "--app",       options_.app,
                                    "--json",  "--quiet"};
  if (!context_.run_directory.empty()) {
    words.insert(words.end(), {"--run-dir", context_.run_directory});
  }
  if (order_ && order_->path_is_file) {
    words.emplace_back("--path-is-file");
  }
  if (order_ && order_->keep_temp_files) {
    words.emplace_back("--keep-temp-files");
  }
  if (order_ && !order_->coordinator.empty()) {
    words.insert(words.end(), {"--coordinator", order_->coordinator});
  }
  const Result<Json> done = run_own_command(words, clean_time_max);
  return done ? "" : done.error().text;
}

}  // namespace murder::cli
