// Operators of a simulation: they ask for anything, at any moment.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/sim/control/world.h"

namespace murder::control_sim {
namespace {

control::Share share(std::string_view text) {
  const Result<control::Share> parsed = control::Share::parse(text);
  ENSURE(parsed.has_value());
  return *parsed;
}

template <size_t count>
std::string_view one_of(Prng& prng, const std::array<std::string_view, count>& texts) {
  return texts[prng.below(count)];
}

constexpr std::string_view operator_name = "olga";

}  // namespace

void World::command() {
  if (!coordinator_) {
    schedule({.kind = EventKind::command}, std::chrono::seconds(5));  // and asks again
    return;
  }
  const uint32_t app = operator_prng_.below(options_.app_count);
  Status done;
  switch (operator_prng_.below(12)) {
    case 0:
      done = publish(app);
      break;
    case 1:
      done = publish_other_bytes();
      break;
    case 2:
      done = revoke();
      break;
    case 3:
      done = forget();
      break;
    case 4:
    case 5:
    case 6:
    case 7:
      done = change(app);
      break;
    default:
      done = start(app);
  }
  if (!done) {
    note("refused: " + done.error().text);
    if (done.error().text.empty()) {
      checks_.note("an operator is refused without a word");
    }
  }
}

Status World::publish(uint32_t app) {
  const bool is_bad = operator_prng_.unit() < options_.bad_share;
  TrueRelease& release =
      releases_.make(app, is_bad ? operator_prng_.unit() * operator_prng_.unit() : 0);
  release.is_published = true;
  note(fmt::format("publish {} {}, which {:.0f} % of the hosts cannot run", app_name(app),
                   release.tag, 100 * release.bad_share));
  return coordinator_->publish(app_name(app), release.tag, release.info_hash, release.serial,
                               std::string(operator_name), moment());
}

Status World::publish_other_bytes() {
  for (const TrueRelease& release : releases_.all()) {
    if (!release.is_published) {
      continue;
    }
    InfoHash other = release.info_hash;
    other.bytes[10] = 1;
    const Status done = coordinator_->publish(app_name(release.app), release.tag, other,
                                              release.serial, std::string(operator_name), moment());
    const control::App* app = coordinator_->state().find_app(app_name(release.app));
    if (done && app != nullptr && find_release(*app, release.info_hash) != nullptr) {
      checks_.note(fmt::format("{} was published again with other bytes", release.tag));
    }
    return done;
  }
  return {};
}

control::Plan World::random_plan() {
  Prng& prng = operator_prng_;
  control::Plan plan;
  if (prng.below(5) == 0) {
    plan.groups = {fmt::format("g{}", prng.below(3))};
  }
  const Result<std::vector<control::Share>> waves = control::parse_waves(one_of(
      prng, std::array<std::string_view, 5>{"100%", "1,100%", "1,10%,50%,100%", "2,30%", "50%"}));
  ENSURE(waves.has_value());
  plan.waves = *waves;
  plan.bake = std::chrono::seconds(prng.below(3) * 10);
  plan.max_fail =
      share(one_of(prng, std::array<std::string_view, 5>{"1", "2%", "10%", "50%", "100%"}));
  plan.max_unavailable =
      share(one_of(prng, std::array<std::string_view, 6>{"100%", "100%", "1", "10%", "25%", "3"}));
  plan.rack_max_unavailable =
      share(one_of(prng, std::array<std::string_view, 4>{"100%", "100%", "1", "50%"}));
  plan.quorum = share(one_of(prng, std::array<std::string_view, 5>{"0", "0", "0", "50%", "90%"}));
  plan.on_failure = prng.below(2) == 0 ? control::OnFailure::hold : control::OnFailure::rollback;
  plan.min_healthy = std::chrono::seconds(prng.below(4));
  plan.healthy_deadline = std::chrono::seconds(20 + prng.below(40));
  plan.progress_deadline = std::chrono::seconds(120 + prng.below(120));
  plan.confirm_within = std::chrono::seconds(prng.below(3) == 0 ? 20 + prng.below(100) : 0);
  plan.begin_wall_s = prng.below(6) == 0 ? moment().wall_s + prng.below(120) : 0;
  plan.allow_older = prng.below(3) == 0;
  return plan;
}

Status World::start(uint32_t app) {
  const control::Plan plan = random_plan();
  std::vector<const TrueRelease*> published;
  for (const TrueRelease& release : releases_.all()) {
    if (release.app == app && release.is_published) {
      published.push_back(&release);
    }
  }
  if (published.empty() || operator_prng_.below(2) == 0) {
    if (releases_.all()[app].is_published || operator_prng_.below(5) == 0) {
      if (Status done = publish(app); !done) {
        return done;
      }
      published = {&releases_.all().back()};
    } else {
      TrueRelease& first = releases_.all()[app];  // what most hosts run already
      first.is_published = true;
      published = {&first};
      if (Status done = coordinator_->publish(app_name(app), first.tag, first.info_hash,
                                              first.serial, std::string(operator_name), moment());
          !done) {
        return done;
      }
    }
  }
  const TrueRelease& chosen =
      *published[operator_prng_.below(static_cast<uint32_t>(published.size()))];
  note(fmt::format("start {} {}", app_name(app), chosen.tag));
  return coordinator_->start(app_name(app), chosen.tag, plan, std::string(operator_name), moment());
}

Status World::revoke() {
  std::vector<const TrueRelease*> published;
  for (const TrueRelease& release : releases_.all()) {
    if (release.is_published) {
      published.push_back(&release);
    }
  }
  if (published.empty()) {
    return {};
  }
  const TrueRelease& chosen =
      *published[operator_prng_.below(static_cast<uint32_t>(published.size()))];
  note(fmt::format("revoke {} {}", app_name(chosen.app), chosen.tag));
  return coordinator_->revoke(app_name(chosen.app), chosen.tag, std::string(operator_name),
                              moment());
}

Status World::forget() {
  for (const auto& host : hosts_) {
    if (host->is_gone && !host->is_powered && coordinator_->state().find_agent(host->name())) {
      note("forget " + host->name());
      return coordinator_->forget(host->name(), std::string(operator_name), moment());
    }
  }
  return {};
}

Status World::change(uint32_t app) {
  const std::string name = app_name(app);
  const std::string by(operator_name);
  switch (operator_prng_.below(5)) {
    case 0:
      note("pause " + name);
      return coordinator_->pause(name, by, moment());
    case 1:
    case 2:
      note("resume " + name);
      return coordinator_->resume(name, by, moment());
    case 3:
      note("abort " + name);
      return coordinator_->abort(name, by, moment());
    default:
      note("undo " + name);
      return coordinator_->undo(name, by, moment());
  }
}

}  // namespace murder::control_sim
