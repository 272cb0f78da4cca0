#include "agent/app_worker.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "agent/bounds.h"
#include "agent/child_words.h"
#include "agent/left_group.h"
#include "agent/placed.h"
#include "engine/base/ensure.h"
#include "engine/base/json.h"

namespace murder::agent {
namespace {

bool is_answered(const control::Step& step) {
  return step.number != 0;
}

}  // namespace

AppWorker::AppWorker(io::Reactor& reactor, const std::string& program, const AgentOptions& agent,
                     const AppOptions& app, AppPlace place, WorkerOwner& owner)
    : reactor_(reactor),
      program_(program),
      agent_(agent),
      app_(app),
      place_(std::move(place)),
      hook_note_(place_.run + "/hook"),
      owner_(owner),
      child_(reactor, callback<&AppWorker::child_ended>(this),
             callback<&AppWorker::child_line>(this)),
      client_(reactor, *this),
      retry_(reactor.timers(), callback<&AppWorker::ask_for_torrent>(this)),
      clean_timer_(reactor.timers(), callback<&AppWorker::clean_later>(this)),
      keep_timer_(reactor.timers(), callback<&AppWorker::keep_due>(this)) {
  if (end_left_group(hook_note_)) {
    owner_.worker_note(app_.name, "ended the hook that an agent before this one had begun");
  }
}

std::string AppWorker::tag_of(const InfoHash& release) const {
  const Result<TorrentFacts> facts = torrent_facts(place_, release);
  return facts ? facts->tag : placed_tag(app_, release);
}

void AppWorker::add(Task task) {
  if (is_stopping_) {
    return;
  }
  if (task.step.kind == control::StepKind::cancel) {
    std::erase_if(tasks_, [](const Task& each) { return is_answered(each.step); });
    if (current_ && is_answered(current_->step)) {
      cancel_current();
    }
    return;
  }
  const bool is_of_old_ones = task.step.kind == control::StepKind::discard && !task.is_revoked &&
                              !task.is_clean_up && !task.is_due;
  if (is_of_old_ones) {
    keep_later();
  } else {
    tasks_.push_back(std::move(task));
  }
  begin_next();
}

void AppWorker::stop(bool ends_downloads) {
  is_stopping_ = true;
  ends_downloads_ = ends_downloads;
  tasks_.clear();
  clean_timer_.cancel();
  keep_timer_.cancel();
  if (current_) {
    cancel_current();
  }
}

void AppWorker::cancel_current() {
  ENSURE(current_.has_value());
  if (is_cancelled_) {
    return;
  }
  is_cancelled_ = true;
  retry_.cancel();
  client_.cancel();
  if (child_.is_busy()) {
    child_.end_soon();  // its end ends the task
  } else {
    end_task({});
  }
}

void AppWorker::begin_next() {
  if (current_ || tasks_.empty()) {
    return;
  }
  current_ = std::move(tasks_.front());
  tasks_.pop_front();
  is_cancelled_ = false;
  stage_ = Stage::none;
  tag_.clear();
  begun_at_ = reactor_.now();
  begin(*current_);
}

void AppWorker::begin(const Task& task) {
  if (task.is_clean_up) {
    begin_clean(task.stops_peer, /*keep_partial=*/true);
    return;
  }
  switch (task.step.kind) {
    case control::StepKind::fetch:
      begin_fetch();
      return;
    case control::StepKind::verify:
      end_task(verify_placed(app_, place_,
                             {.release = task.step.release,
                              .allow_older = task.allow_older,
                              .allowed_signers = agent_.allowed_signers}));
      return;
    case control::StepKind::activate:
      begin_activate();
      return;
    case control::StepKind::discard:
      begin_discard();
      return;
    case control::StepKind::cancel:
      break;
  }
  end_task({});
}

// --- fetch ---

void AppWorker::begin_fetch() {
  std::erase(to_clean_, current_->step.release);
  if (const Result<TorrentFacts> facts = torrent_facts(place_, current_->step.release)) {
    begin_peer();
    return;
  }
  stage_ = Stage::torrent;
  retry_.arm(reactor_.now());
}

void AppWorker::ask_for_torrent(io::Timer&) {
  ENSURE(stage_ == Stage::torrent && !client_.busy());
  const std::string url = owner_.torrent_url(current_->step.release);
  if (url.empty()) {
    retry_.arm(reactor_.now() + limits::agent_torrent_retry);
    return;
  }
  // Nobody but its coordinators says where this host connects to.
  client_.request(url,
                  {.body_bytes_max = limits::agent_torrent_bytes_max, .follows_redirects = false});
}

void AppWorker::on_http_reply(http::Client&, Result<http::Reply> reply) {
  constexpr int status_ok = 200;
  Status kept = reply ? Status() : fail(reply.error());
  if (reply && reply->status != status_ok) {
    kept = fail(ErrorCode::network, fmt::format("HTTP status {}", reply->status));
  } else if (reply) {
    kept = keep_torrent(place_, current_->step.release, reply->body);
    if (!kept && kept.error().code == ErrorCode::no_space) {
      end_task(kept);
      return;
    }
  }
  if (kept) {
    begin_peer();
    return;
  }
  owner_.worker_note(app_.name, fmt::format("the torrent of {} is not here yet: {}",
                                            current_->step.release.hex(), kept.error().text));
  retry_.arm(reactor_.now() + limits::agent_torrent_retry);
}

void AppWorker::begin_peer() {
  const Result<TorrentFacts> facts = torrent_facts(place_, current_->step.release);
  if (!facts) {
    end_task(fail(facts.error()));
    return;
  }
  tag_ = facts->tag;
  run(Stage::fetch,
      fetch_command(at(), {.torrent = torrent_path(place_, current_->step.release),
                           .allow_older = current_->allow_older}),
      Duration::zero());
}

void AppWorker::child_line(std::string_view line) {
  if (stage_ != Stage::fetch || is_cancelled_) {
    return;
  }
  const Result<Json> json = parse_json(line);
  if (json && json->is_object() && json->contains("done_bytes")) {
    owner_.made_progress(app_.name, count_member(*json, "done_bytes"));
  }
}

void AppWorker::count_fetched() {
  const Result<Json> json = parse_json(child_.last_line());
  if (!json || !json->is_object()) {
    return;
  }
  const uint64_t fetched = count_member(*json, "fetched_bytes");
  counters_.fetched_bytes += fetched;
  counters_.resumed_bytes += count_member(*json, "resumed_bytes");
  counters_.wasted_bytes += std::max(count_member(*json, "received_bytes"), fetched) - fetched;
  counters_.hash_failures += count_member(*json, "failed_pieces");
}

void AppWorker::tell_fetched(bool is_fetched) {
  facts_.in_the_way = !is_fetched && says_in_the_way(child_.last_line());
  facts_.warnings = is_fetched ? warnings_in(child_.last_line()) : std::vector<std::string>();
  owner_.worker_facts(facts_);
}

// --- activate ---

void AppWorker::begin_activate() {
  tag_ = placed_tag(app_, current_->step.release);
  if (tag_.empty()) {
    owner_.release_missing(app_.name, current_->step.release);
    end_task(fail(ErrorCode::not_found,
                  fmt::format("the release {} is not in {} any more",
                              current_->step.release.hex().substr(0, 12), app_.to)));
    return;
  }
  // What ran before was trusted when it began to run.
  const Status trusted =
      current_->is_return ? Status{}
                          : verify_before_activation(app_, place_,
                                                     {.release = current_->step.release,
                                                      .allow_older = current_->allow_older,
                                                      .allowed_signers = agent_.allowed_signers});
  if (!trusted) {
    end_task(fail(trusted.error()));
    return;
  }
  // Refused before the switch: what ran before runs on, and no hook has to say so.
  if (std::exchange(is_untouched_, false) && current_->is_return) {
    end_task({});
    return;
  }
  // It is asked about what is to come, not about what ran before.
  if (!current_->is_return && !app_.before_activate.empty()) {
    run_hook(Stage::before, app_.before_activate);
    return;
  }
  begin_switch();
}

void AppWorker::begin_switch() {
  run(Stage::activate, activate_command(at(), tag_, current_->is_return),
      limits::agent_command_time_max);
}

void AppWorker::begin_hook() {
  if (app_.after_activate.empty()) {
    end_activation();
    return;
  }
  run_hook(Stage::hook, app_.after_activate);
}

// A deploy is over when its releases are current, so what is too old goes before that is told.
void AppWorker::end_activation() {
  if (agent_.is_of_a_deploy && !current_->is_return && app_.keep_releases > 0) {
    run(Stage::keep, keep_command(at()), limits::agent_command_time_max);
  } else {
    end_task({});
  }
}

void AppWorker::run_hook(Stage stage, const std::string& command) {
  run(stage, {"/bin/sh", "-c", command}, app_.hook_time_max,
      hook_environment(app_, tag_, current_->step.release.hex()));
  if (stage_ == stage && child_.is_busy()) {
    note_group(hook_note_, child_.pid());
  }
}

// --- discard ---

void AppWorker::begin_discard() {
  if (!current_->is_revoked) {
    keep_some();
    return;
  }
  if (const Result<TorrentFacts> facts = torrent_facts(place_, current_->step.release)) {
    begin_clean(/*stop=*/true, /*keep_partial=*/false);
    return;
  }
  tag_ = placed_tag(app_, current_->step.release);
  if (tag_.empty()) {
    end_task({});
    return;
  }
  run(Stage::remove, remove_command(at(), tag_), limits::agent_command_time_max);
}

// Whoever calls begins the next task.
void AppWorker::keep_later() {
  // In a deploy it was done with the activation: what its end cuts off would be left half removed.
  if (app_.keep_releases == 0 || keep_timer_.armed() || agent_.is_of_a_deploy) {
    return;
  }
  if (agent_.tidy_after > Duration::zero()) {
    keep_timer_.arm(reactor_.now() + agent_.tidy_after);
  } else {
    tasks_.push_back(
        {.step = {.kind = control::StepKind::discard, .app = app_.name}, .is_due = true});
  }
}

void AppWorker::keep_due(io::Timer&) {
  add({.step = {.kind = control::StepKind::discard, .app = app_.name}, .is_due = true});
}

void AppWorker::keep_some() {
  run(Stage::remove, keep_command(at()), limits::agent_command_time_max);
}

void AppWorker::begin_clean(bool stop, bool keep_partial) {
  const Result<TorrentFacts> facts = torrent_facts(place_, current_->step.release);
  if (!facts) {
    end_task({});
    return;
  }
  run(Stage::clean,
      clean_command(at(), {.tag = facts->tag,
                           .is_file = facts->is_file,
                           .stop = stop,
                           .keep_partial = keep_partial}),
      limits::agent_command_time_max);
}

// What was fetched is served for a while; then the archive goes.
void AppWorker::clean_later(io::Timer&) {
  for (const InfoHash& release : to_clean_) {
    add({.step = {.kind = control::StepKind::discard, .app = app_.name, .release = release},
         .is_clean_up = true});
  }
  to_clean_.clear();
}

// --- children ---

void AppWorker::run(Stage stage, const Words& words, Duration time_max, const Words& environment) {
  stage_ = stage;
  if (Status started =
          child_.start({.arguments = words, .environment = environment, .time_max = time_max});
      !started) {
    end_task(started);
  }
}

Status AppWorker::outcome_of_child() const {
  if (child_.outcome()) {
    return {};
  }
  const Error& error = child_.outcome().error();
  if (stage_ == Stage::before || stage_ == Stage::hook) {
    const char* name = stage_ == Stage::before ? "before_activate" : "after_activate";
    return fail(error.code, fmt::format("{}: {}", name, error.text));
  }
  const std::string_view who = stage_ == Stage::fetch ? "the peer" : "the command";
  return fail(error.code, failure_of(who, error.text, child_.last_line()));
}

void AppWorker::child_ended(WatchedChild&) {
  const Status outcome = outcome_of_child();
  if (stage_ == Stage::before || stage_ == Stage::hook) {
    forget_group(hook_note_);
  } else if (stage_ == Stage::fetch && !is_cancelled_) {
    tell_fetched(outcome.has_value());
  }
  if (stage_ == Stage::fetch && outcome) {
    count_fetched();
  }
  if (stage_ == Stage::keep) {
    // What is current stays so.
    facts_.keep_trouble = outcome ? "" : outcome.error().text;
    owner_.worker_facts(facts_);
    end_task({});
    return;
  }
  if (is_cancelled_ || !outcome) {
    is_untouched_ = stage_ == Stage::before;
    end_task(outcome);
    return;
  }
  if (stage_ == Stage::before) {
    begin_switch();
  } else if (stage_ == Stage::activate) {
    begin_hook();
  } else if (stage_ == Stage::hook) {
    end_activation();
  } else if (stage_ == Stage::clean && !current_->is_clean_up) {
    // A revoked release: its archive is gone, now itself.
    unlink(torrent_path(place_, current_->step.release).c_str());
    begin_discard();
  } else {
    if (stage_ == Stage::remove && placed_tag(app_, current_->step.release).empty()) {
      unlink(torrent_path(place_, current_->step.release).c_str());
    }
    end_task(outcome);
  }
}

void AppWorker::end_task(const Status& outcome) {
  const Task task = *std::exchange(current_, std::nullopt);
  const Duration took = reactor_.now() - begun_at_;
  const bool was_cancelled = std::exchange(is_cancelled_, false);
  const bool is_fetch = task.step.kind == control::StepKind::fetch;
  const bool is_activation = task.step.kind == control::StepKind::activate;
  if (is_fetch) {
    counters_.fetching += took;
    counters_.fetches += outcome ? 1 : 0;
    counters_.fetch_failures += outcome || was_cancelled ? 0 : 1;
    if (outcome && !was_cancelled && !agent_.keep_archives) {
      to_clean_.push_back(task.step.release);
      clean_timer_.arm(reactor_.now() + agent_.seed_for + std::chrono::seconds(2));
    }
  } else if (is_activation) {
    counters_.activating += took;
    counters_.activations += outcome ? 1 : 0;
    counters_.activation_failures += outcome || was_cancelled ? 0 : 1;
  } else if (!is_answered(task.step) && !outcome) {
    owner_.worker_note(app_.name, outcome.error().text);
  }
  if (is_fetch && was_cancelled && (!is_stopping_ || ends_downloads_)) {
    tasks_.push_front({.step = {.kind = control::StepKind::discard,
                                .app = app_.name,
                                .release = task.step.release},
                       .is_clean_up = true,
                       .stops_peer = true});
  }
  if (is_activation && outcome && !was_cancelled && !is_stopping_) {
    keep_later();
  }
  begin_next();
  if (is_answered(task.step) && !was_cancelled) {
    owner_.step_ended(app_.name, task.step.number, outcome);
  }
}

}  // namespace murder::agent
