#include "engine/sim/control/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/control/bounds.h"

namespace murder::control_sim {
namespace {

constexpr Instant run_start{std::chrono::seconds(1000)};
constexpr size_t history_max = 4000;

}  // namespace

Outcome run(const Options& options, bool keeps_history) {
  World world(options, keeps_history);
  world.run();
  return world.outcome();
}

World::World(const Options& options, bool keeps_history)
    : options_(options),
      keeps_history_(keeps_history),
      prng_(options.seed * 2 + 1),
      operator_prng_(options.seed * 2),
      now_(run_start),
      calm_at_(run_start + options.trouble),
      end_at_(calm_at_ + options.calm),
      releases_(options.seed) {
  for (uint32_t app = 0; app < options.app_count; ++app) {
    releases_.make(app, 0);
  }
  make_hosts();
  plan_trouble();
}

void World::make_hosts() {
  for (uint32_t index = 0; index < options_.host_count; ++index) {
    control::AgentConfig config{.host = fmt::format("h{}", index)};
    if (options_.rack_count > 1 && prng_.below(8) > 0) {
      config.rack = fmt::format("r{}", prng_.below(options_.rack_count));
    }
    config.groups = {fmt::format("g{}", prng_.below(3))};
    for (uint32_t app = 0; app < options_.app_count; ++app) {
      config.apps.push_back({.app = app_name(app), .has_health_check = prng_.below(3) > 0});
    }
    const bool lies = prng_.unit() < options_.liar_share;
    const Lie lie = lies ? static_cast<Lie>(1 + prng_.below(4)) : Lie::none;
    hosts_.push_back(std::make_unique<Host>(*this, index, std::move(config), lie, prng_.next()));
    for (uint32_t app = 0; app < options_.app_count; ++app) {
      if (prng_.below(4) > 0) {
        hosts_.back()->install(app, releases_.all()[app]);
      }
    }
    schedule({.kind = EventKind::process_starts, .host = index}, between(prng_, 0, 20));
  }
}

void World::plan_trouble() {
  schedule({.kind = EventKind::coordinator_starts}, between(prng_, 0, 3));
  plan_often(EventKind::process_dies, options_.kills);
  plan_often(EventKind::host_dies, options_.reboots);
  plan_often(EventKind::cut_begins, options_.cuts);
  const double trouble_s = seconds_of(options_.trouble);
  for (const auto& host : hosts_) {
    host->is_gone = prng_.unit() < options_.die_share;
    if (host->is_gone) {
      schedule({.kind = EventKind::host_dies, .host = host->index()}, between(prng_, 0, trouble_s));
    }
  }
  for (uint32_t count = 0; count < options_.restarts; ++count) {
    schedule({.kind = EventKind::coordinator_dies}, between(prng_, 5, trouble_s));
  }
  for (uint32_t count = 0; count < options_.command_count; ++count) {
    schedule({.kind = EventKind::command}, between(operator_prng_, 10, trouble_s));
  }
}

void World::plan_often(EventKind kind, double times) {
  for (uint32_t index = 0; index < hosts_.size(); ++index) {
    for (double left = times; left > prng_.unit(); left -= 1) {
      schedule({.kind = kind, .host = index}, between(prng_, 0, seconds_of(options_.trouble)));
    }
  }
}

void World::run() {
  bool is_calm = false;
  while (!events_.empty() && checks_.fault().empty()) {
    Event event = events_.pop();
    if (event.when > end_at_) {
      break;
    }
    now_ = event.when;
    if (!is_calm && !is_troubled()) {
      is_calm = true;
      calm_down();
    }
    take(std::move(event));
  }
  if (checks_.fault().empty()) {
    check_end();
  }
}

void World::take(Event event) {
  switch (event.kind) {
    case EventKind::report:
      take_report(event);
      return;
    case EventKind::wanted:
      if (!hosts_[event.host]->is_cut) {
        hosts_[event.host]->take(event);
      }
      return;
    case EventKind::heartbeat:
    case EventKind::wake:
    case EventKind::step:
    case EventKind::health:
    case EventKind::flap:
      hosts_[event.host]->take(event);
      return;
    case EventKind::turn:
      if (coordinator_ && event.process == coordinator_process_) {
        if (event.number == 0) {
          is_turn_due_ = false;
        } else {
          schedule({.kind = EventKind::turn, .process = coordinator_process_, .number = 1},
                   std::chrono::seconds(2));
        }
        take_turn();
      }
      return;
    case EventKind::command:
      command();
      return;
    case EventKind::coordinator_starts:
      start_coordinator();
      return;
    default:
      take_trouble(event);
  }
}

void World::take_trouble(const Event& event) {
  if (!is_troubled() && event.kind != EventKind::process_starts &&
      event.kind != EventKind::host_boots) {
    return;
  }
  if (event.kind == EventKind::coordinator_dies) {
    dies_in_turn_ = coordinator_.has_value();
    return;
  }
  Host& host = *hosts_[event.host];
  note(fmt::format("{}: {}", host.name(),
                   event.kind == EventKind::process_dies     ? "its agent is killed"
                   : event.kind == EventKind::process_starts ? "its agent starts"
                   : event.kind == EventKind::host_dies      ? "the host dies"
                   : event.kind == EventKind::host_boots     ? "the host boots"
                   : event.kind == EventKind::cut_begins     ? "is cut from the network"
                                                             : "is back in the network"));
  switch (event.kind) {
    case EventKind::process_dies:
      if (host.runs()) {
        host.end_process();
        schedule({.kind = EventKind::process_starts, .host = event.host}, between(prng_, 0.5, 20));
      }
      break;
    case EventKind::process_starts:
      if (host.is_powered && !host.runs()) {
        host.start_process();
      }
      break;
    case EventKind::host_dies:
      power_off(host, event.host);
      break;
    case EventKind::host_boots:
      host.is_powered = true;
      host.start_process();
      break;
    case EventKind::cut_begins:
      host.is_cut = true;
      schedule({.kind = EventKind::cut_ends, .host = event.host}, between(prng_, 1, 300));
      break;
    case EventKind::cut_ends:
      host.is_cut = false;
      break;
    default:
      ENSURE(event.kind == EventKind::process_dies);
  }
}

void World::power_off(Host& host, uint32_t index) {
  if (!host.is_powered) {
    return;
  }
  host.is_powered = false;
  if (host.runs()) {
    host.end_process();
  }
  if (prng_.unit() < options_.wipe_share) {
    host.wipe();
  }
  if (!host.is_gone) {
    schedule({.kind = EventKind::host_boots, .host = index}, between(prng_, 20, 300));
  }
}

void World::calm_down() {
  note("calm: the network is whole, nothing dies any more");
  for (auto& host : hosts_) {
    host->is_cut = false;
  }
  if (!coordinator_) {
    start_coordinator();
  }
  dies_in_turn_ = false;
}

// --- what hosts ask of the world -----------------------------------------------------------------

void World::schedule(Event event, Duration after) {
  event.when = now_ + after;
  events_.push(std::move(event));
}

void World::send_report(Host& host, control::Report report) {
  Event event{.kind = EventKind::report, .host = host.index(), .sent_at = now_};
  event.report = std::make_unique<control::Report>(std::move(report));
  deliver(std::move(event));
}

void World::deliver(Event event) {
  if (hosts_[event.host]->is_cut) {
    return;
  }
  double delay_s = 0.001 + 0.1 * prng_.unit();
  if (is_troubled()) {
    if (prng_.unit() < options_.lost_share) {
      return;
    }
    if (prng_.unit() < options_.late_share) {
      delay_s = 240 * prng_.unit();
    }
    if (prng_.unit() < options_.doubled_share) {
      Event again{.kind = event.kind,
                  .host = event.host,
                  .process = event.process,
                  .sent_at = event.sent_at};
      again.report = event.report ? std::make_unique<control::Report>(*event.report) : nullptr;
      again.wanted = event.wanted ? std::make_unique<control::Wanted>(*event.wanted) : nullptr;
      schedule(std::move(again), between(prng_, 0.001, prng_.below(3) == 0 ? 60 : 0.2));
    }
  }
  schedule(std::move(event), Duration(static_cast<int64_t>(delay_s * 1e9)));
}

bool World::dies_here(Host& host) {
  if (!is_troubled() || options_.kills == 0 || prng_.below(200) > 0) {
    return false;
  }
  note(fmt::format("{}: its agent is killed between saving and doing", host.name()));
  host.end_process();
  schedule({.kind = EventKind::process_starts, .host = host.index()}, between(prng_, 0.5, 20));
  return true;
}

void World::activation_begins(Host& host, uint32_t app, const InfoHash& release, bool by_command,
                              bool again) {
  ++activation_count_;
  const TrueRelease* known = releases_.find(release);
  ENSURE(known != nullptr);
  TrueApp& real = host.apps[app];
  note(fmt::format("{}: activates {} {}{}{}", host.name(), app_name(app), known->tag,
                   by_command ? "" : ", by itself", again ? ", again" : ""));
  const FollowedRollout* rollout = checks_.rollout(app_name(app));
  real.down_in_rollout = rollout == nullptr ? 0 : rollout->number;
  if (host.has_heard_revoked(app, release) && !again) {
    checks_.note(
        fmt::format("{} activates {}, which it heard is revoked", host.name(), known->tag));
  }
  if (by_command && !again && known->revoked_at != instant_never &&
      now_ - known->revoked_at > murder::limits::control_lease) {
    checks_.note(fmt::format("{} activates {} {:.0f} s after it was revoked", host.name(),
                             known->tag, seconds_of(now_ - known->revoked_at)));
  }
  if (!by_command || again || rollout == nullptr || !host.is_honest() ||
      !rollout->stages.contains(host.name())) {
    return;
  }
  uint32_t down = 0;
  uint32_t down_in_rack = 0;
  uint32_t hosts_in_rack = 0;
  for (const auto& other : hosts_) {
    const bool is_mate = !host.rack().empty() && other->rack() == host.rack();
    if (!rollout->stages.contains(other->name())) {
      continue;
    }
    hosts_in_rack += is_mate ? 1 : 0;
    const TrueApp& theirs = other->apps[app];
    const bool is_heard = now_ - other->delivered_at < murder::limits::control_lease / 2;
    if (other->is_honest() && other->is_powered && is_heard && theirs.is_down_by_us &&
        theirs.down_in_rollout == rollout->number) {
      ++down;
      down_in_rack += is_mate ? 1 : 0;
    }
  }
  checks_.see_activation(app_name(app), host.name(), down, down_in_rack, hosts_in_rack);
}

// --- small things --------------------------------------------------------------------------------

Outcome World::outcome() const {
  return {.fault = checks_.fault(),
          .event_count = events_.count(),
          .record_count = checks_.record_count(),
          .rollout_count = rollout_count_,
          .activation_count = activation_count_,
          .restart_count = restart_count_,
          .standing = standing(),
          .history = history_};
}

std::string World::standing() const {
  std::string text;
  if (!coordinator_) {
    return text;
  }
  for (const auto& [name, app] : coordinator_->state().apps) {
    if (app.rollout) {
      std::vector<std::string> stages;
      for (const control::Target& target : app.rollout->targets) {
        stages.push_back(fmt::format("{}:{}", coordinator_->state().agent(target.agent).name,
                                     name_of(target.stage)));
      }
      std::sort(stages.begin(), stages.end());
      text += fmt::format("{} {} {}\n", name, name_of(app.rollout->state), fmt::join(stages, " "));
    }
  }
  return text;
}

control::Moment World::moment() const {
  return {
      .now = now_,
      .wall_s = wall_offset_s_ +
                std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch()).count()};
}

std::string World::app_name(uint32_t app) {
  return fmt::format("a{}", app);
}

std::string World::identity_of(uint32_t host) {
  return fmt::format("key of h{}", host);
}

Host* World::find_host(const std::string& name) {
  const auto found = std::find_if(hosts_.begin(), hosts_.end(),
                                  [&](const auto& host) { return host->name() == name; });
  return found == hosts_.end() ? nullptr : found->get();
}

Duration World::between(Prng& prng, double least_s, double most_s) {
  return Duration(static_cast<int64_t>((least_s + (most_s - least_s) * prng.unit()) * 1e9));
}

void World::note(std::string text) {
  if (keeps_history_) {
    if (history_.size() == history_max) {
      history_.erase(history_.begin(), history_.begin() + history_max / 2);
    }
    history_.push_back(fmt::format("{:9.3f} {}", seconds_of(now_ - run_start), text));
  }
}

}  // namespace murder::control_sim
