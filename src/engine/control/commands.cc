// What operators ask a coordinator for.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/units.h"
#include "engine/control/bounds.h"
#include "engine/control/coordinator.h"
#include "engine/control/names.h"
#include "engine/control/orders.h"

namespace murder::control {
namespace {

Status no_rollout(const std::string& app) {
  return fail(ErrorCode::not_found, fmt::format("no rollout of {} was started", app));
}

std::string described(const App& app) {
  const Rollout& rollout = *app.rollout;
  const Release* release = find_release(app, rollout.release);
  ENSURE(release != nullptr);
  return fmt::format("{} {}, which {} started, is {}, in wave {} of {}{}{}", app.name, release->tag,
                     rollout.by, name_of(rollout.state), rollout.wave + 1,
                     rollout.plan.waves.size(), rollout.why.empty() ? "" : ": ", rollout.why);
}

bool has_somewhere_to_return(const Rollout& rollout) {
  return std::any_of(rollout.targets.begin(), rollout.targets.end(),
                     [](const Target& target) { return target.before != no_release; });
}

uint32_t count_in_flight(const Rollout& rollout) {
  return static_cast<uint32_t>(
      std::count_if(rollout.targets.begin(), rollout.targets.end(),
                    [](const Target& target) { return is_in_flight(target.stage); }));
}

}  // namespace

Status Coordinator::publish(const std::string& app, const std::string& tag,
                            const InfoHash& info_hash, uint64_t serial, const std::string& by,
                            Moment moment) {
  const App* known = state_.find_app(app);
  if (known != nullptr) {
    const Release* same_tag = find_release(*known, tag);
    const Release* same_bytes = find_release(*known, info_hash);
    if (same_bytes != nullptr && same_bytes->revoked) {
      return fail(ErrorCode::conflict,
                  fmt::format("{}: these bytes were revoked, as {}", app, same_bytes->tag));
    }
    if (same_tag != nullptr && same_tag->info_hash == info_hash && same_tag->serial == serial) {
      return {};  // published already
    }
    if (same_tag != nullptr) {
      return fail(ErrorCode::exists,
                  fmt::format("{} {} was published by {} with other bytes or another serial (info "
                              "hash {}): choose another tag",
                              app, tag, same_tag->by, same_tag->info_hash.hex()));
    }
  }
  const uint32_t last = known == nullptr ? 0 : known->releases_published;
  return take({.wall_s = moment.wall_s,
               .by = by,
               .what = ReleasePublished{.app = app,
                                        .tag = tag,
                                        .number = ReleaseNumber{last + 1},
                                        .info_hash = info_hash,
                                        .serial = serial}},
              moment.now);
}

Status Coordinator::revoke(const std::string& app, const std::string& tag, const std::string& by,
                           Moment moment, const std::string& why) {
  const App* known = state_.find_app(app);
  const Release* release = known == nullptr ? nullptr : find_release(*known, tag);
  if (release == nullptr) {
    return fail(ErrorCode::not_found, fmt::format("no release {} of {} is published", tag, app));
  }
  if (release->revoked) {
    return {};
  }
  const Status done = take(
      {.wall_s = moment.wall_s,
       .by = by,
       .what = ReleaseRevoked{.app = app, .number = release->number, .why = bounded_text(why)}},
      moment.now);
  if (done) {
    tell_all(*known);
  }
  return done;
}

Status Coordinator::give_order(const std::string& app, const std::string& tag, OrderUse use,
                               uint64_t serial, const std::string& text, const std::string& by,
                               Moment moment) {
  const App* known = state_.find_app(app);
  const Release* release = known == nullptr ? nullptr : find_release(*known, tag);
  if (release == nullptr) {
    return fail(ErrorCode::not_found, fmt::format("no release {} of {} is published", tag, app));
  }
  if (serial <= last_order_serial(*known)) {
    return fail(
        ErrorCode::conflict,
        fmt::format("the order's serial is {}, and hosts of {} were given one with {}: sign "
                    "it again",
                    serial, app, last_order_serial(*known)));
  }
  const Status done = take({.wall_s = moment.wall_s,
                            .by = by,
                            .what = OrderGiven{.app = app,
                                               .use = use,
                                               .release = release->number,
                                               .serial = serial,
                                               .text = {text}}},
                           moment.now);
  if (done) {
    tell_all(*known);
  }
  return done;
}

Status Coordinator::start(const std::string& app, const std::string& tag, const Plan& plan,
                          const std::string& by, Moment moment) {
  const App* known = state_.find_app(app);
  const Release* release = known == nullptr ? nullptr : find_release(*known, tag);
  if (release == nullptr) {
    return fail(ErrorCode::not_found,
                fmt::format("no release {} of {} is published: publish it first", tag, app));
  }
  if (release->revoked) {
    return fail(ErrorCode::conflict, fmt::format("{} {} is revoked", app, tag));
  }
  if (known->rollout && !is_over(known->rollout->state)) {
    const Rollout& current = *known->rollout;
    if (current.release == release->number && current.plan == plan && goes_forward(current.state)) {
      return {};  // the same again: it is under way
    }
    return fail(ErrorCode::conflict,
                fmt::format("{}: abort or undo it, or let it end", described(*known)));
  }
  if (known->rollout && count_in_flight(*known->rollout) > 0) {
    return fail(ErrorCode::conflict,
                fmt::format("{}; {} hosts are still activating: try again in a moment",
                            described(*known), count_in_flight(*known->rollout)));
  }
  const bool has_hosts = std::any_of(state_.agents.begin(), state_.agents.end(),
                                     [&](const Agent& agent) { return takes(agent, app, plan); });
  if (!has_hosts) {
    return fail(ErrorCode::not_found, fmt::format("no agent takes {}{}", app,
                                                  plan.groups.empty() ? "" : " in these groups"));
  }
  if (const Release* newer = plan.allow_older ? nullptr : newer_than(*known, *release, plan)) {
    return fail(
        ErrorCode::conflict,
        fmt::format("the serial of {} {} is {}, and most hosts run {} with serial {}, which "
                    "refuse an older one: start it with --allow-older if that is meant",
                    app, tag, release->serial, newer->tag, newer->serial));
  }
  const Status done = take({.wall_s = moment.wall_s,
                            .by = by,
                            .what = RolloutStarted{.app = app,
                                                   .release = release->number,
                                                   .number = state_.sequence + 1,
                                                   .plan = plan}},
                           moment.now);
  if (done) {
    tell_all(*known);
  }
  return done;
}

// What runs on more than half of the hosts that report what they run, and that is newer: they would
// refuse the release. One of those, or none.
const Release* Coordinator::newer_than(const App& app, const Release& release,
                                       const Plan& plan) const {
  const Release* newer = nullptr;
  uint32_t known_count = 0;
  uint32_t newer_count = 0;
  for (uint32_t index = 0; index < state_.agents.size(); ++index) {
    if (!takes(state_.agents[index], app.name, plan)) {
      continue;
    }
    for (const HeardApp& heard : presences_[index].apps) {
      if (heard.report.app != app.name || !heard.report.active) {
        continue;
      }
      const Release* runs = find_release(app, *heard.report.active);
      ++known_count;
      if (runs != nullptr && runs->serial > release.serial) {
        ++newer_count;
        newer = runs;
      }
    }
  }
  return newer_count * 2 > known_count ? newer : nullptr;
}

Status Coordinator::change(const std::string& app, RolloutState state, const std::string& by,
                           Moment moment) {
  const App* known = state_.find_app(app);
  if (known == nullptr || !known->rollout) {
    return no_rollout(app);
  }
  if (known->rollout->state == state) {
    return {};
  }
  if (!may_follow(known->rollout->state, state)) {
    return fail(ErrorCode::conflict,
                fmt::format("{}: it cannot become {}", described(*known), name_of(state)));
  }
  const std::string why = fmt::format("{} asked for it", by);
  const Status done = take({.wall_s = moment.wall_s,
                            .by = by,
                            .what = StateChanged{.app = app, .state = state, .why = why}},
                           moment.now);
  if (done) {
    tell_all(*known);
  }
  return done;
}

Status Coordinator::pause(const std::string& app, const std::string& by, Moment moment) {
  return change(app, RolloutState::paused, by, moment);
}

Status Coordinator::resume(const std::string& app, const std::string& by, Moment moment) {
  const App* known = state_.find_app(app);
  if (known != nullptr && known->rollout) {
    const Release* release = find_release(*known, known->rollout->release);
    ENSURE(release != nullptr);
    if (release->revoked && goes_forward(known->rollout->state)) {
      return fail(ErrorCode::conflict,
                  fmt::format("{} {} is revoked: abort or undo its rollout", app, release->tag));
    }
  }
  return change(app, RolloutState::running, by, moment);
}

Status Coordinator::abort(const std::string& app, const std::string& by, Moment moment) {
  const App* known = state_.find_app(app);
  if (known != nullptr && known->rollout && known->rollout->state == RolloutState::aborted) {
    return {};
  }
  return change(app, RolloutState::aborting, by, moment);
}

Status Coordinator::undo(const std::string& app, const std::string& by, Moment moment) {
  const App* known = state_.find_app(app);
  if (known != nullptr && known->rollout) {
    if (known->rollout->state == RolloutState::undone) {
      return {};
    }
    if (!has_somewhere_to_return(*known->rollout)) {
      return fail(ErrorCode::conflict,
                  fmt::format("{}: no host is known to have run another release before; abort it, "
                              "or roll another one out",
                              described(*known)));
    }
  }
  return change(app, RolloutState::undoing, by, moment);
}

Status Coordinator::note_approval(const std::string& host, const std::string& identity,
                                  const std::string& by, Moment moment) {
  return take({.wall_s = moment.wall_s,
               .by = by,
               .what = AgentApproved{.host = host, .identity = identity}},
              moment.now);
}

Status Coordinator::forget(const std::string& host, const std::string& by, Moment moment) {
  const Status done =
      take({.wall_s = moment.wall_s, .by = by, .what = AgentForgotten{.host = host}}, moment.now);
  if (done) {
    Presence& presence = presences_[state_.find_agent(host)->raw];
    put_apps(presence, {});
    presence = {};
  }
  return done;
}

}  // namespace murder::control
