#include "engine/control/coordinator.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/control/apply.h"
#include "engine/control/bounds.h"
#include "engine/control/names.h"
#include "engine/control/report_check.h"
#include "engine/control/wanted.h"

namespace murder::control {
namespace {

uint32_t count_names(const State& state, const std::string& identity) {
  const auto names = state.names_of_identity.find(identity);
  return names == state.names_of_identity.end() ? 0 : names->second;
}

uint64_t memory_of(const std::string& text) {
  return text.capacity() > std::string().capacity() ? text.capacity() + 1 : 0;
}

uint64_t memory_of(const HeardApp& heard) {
  return sizeof(HeardApp) + memory_of(heard.report.app) + memory_of(heard.report.text) +
         heard.report.ready.capacity() * sizeof(InfoHash);
}

uint64_t memory_of(const std::vector<HeardApp>& apps) {
  uint64_t bytes = (apps.capacity() - apps.size()) * sizeof(HeardApp);
  for (const HeardApp& heard : apps) {
    bytes += memory_of(heard);
  }
  return bytes;
}

}  // namespace

Coordinator::Coordinator(State state, uint64_t origin, Moment moment)
    : state_(std::move(state)), started_at_(moment.now) {
  ENSURE(state_.loading_left == 0);
  const uint64_t kept = state_.origin != 0 ? state_.origin : origin;
  const Record started{.wall_s = moment.wall_s,
                       .what = Started{.origin = kept, .term = state_.term + 1}};
  const Status done = take(started, moment.now);
  ENSURE(done.has_value());
  presences_.resize(state_.agents.size(), Presence{.heard_at = moment.now});
}

Status Coordinator::take(Record record, Instant now) {
  if (!record.by.empty()) {
    if (Status named = validate_who(record.by, "who asks"); !named) {
      return named;
    }
  }
  if (Status done = apply(state_, record, now); !done) {
    return done;
  }
  records_.push_back(std::move(record));
  return {};
}

void Coordinator::append(const App& app, decltype(Record::what) what, Moment moment) {
  if (const auto* told = std::get_if<Told>(&what)) {
    tell(*state_.find_agent(told->host));
  } else if (const auto* outcome = std::get_if<Outcome>(&what)) {
    tell(*state_.find_agent(outcome->host));
  } else if (std::holds_alternative<StateChanged>(what)) {
    tell_all(app);
  }
  const Status done = take({.wall_s = moment.wall_s, .what = std::move(what)}, moment.now);
  ENSURE(done.has_value());
}

void Coordinator::tell(AgentIndex agent) {
  ENSURE(agent.raw < state_.agents.size());
  tell_.push_back(agent);
}

void Coordinator::tell_all(const App& app) {
  for (uint32_t index = 0; index < state_.agents.size(); ++index) {
    const std::vector<std::string>& apps = state_.agents[index].apps;
    if (std::find(apps.begin(), apps.end(), app.name) != apps.end()) {
      tell(AgentIndex{index});
    }
  }
}

Status Coordinator::hear(const Report& report, const std::string& identity, Moment moment) {
  if (Status fits = check_report(report); !fits) {
    return fits;
  }
  const Result<AgentIndex> registered = register_agent(report, identity, moment);
  if (!registered) {
    return fail(registered.error());
  }
  const AgentIndex agent = *registered;
  Presence& presence = presences_[agent.raw];
  if (presence.greeting.session != report.greeting.session || presence.greeting.number == 0) {
    // Another process of the agent, or the first report to this one of the coordinator's. What it
    // reports counts once it has heard of this greeting: nothing that is late is taken for new.
    presence.greeting = {.session = report.greeting.session,
                         .number = (state_.term << 32U) | ++greeting_count_};
    presence.number = 0;
    presence.is_known = false;
    put_apps(presence, {});
    presence.heard_at = moment.now;
    tell(agent);
  } else if (presence.greeting != report.greeting) {
    tell(agent);
  } else if (report.number > presence.number) {
    if (Status kept = keep(presence, report, moment.now); !kept) {
      return kept;
    }
    tell(agent);
  }
  return {};
}

bool Coordinator::hear_again(AgentIndex agent, const Greeting& greeting, uint64_t number,
                             Moment moment) {
  ENSURE(agent.raw < presences_.size());
  Presence& presence = presences_[agent.raw];
  // What was shortened, a whole report alone tells again.
  if (!presence.is_known || presence.is_shortened || presence.greeting != greeting ||
      state_.agent(agent).forgotten) {
    return false;
  }
  if (number > presence.number) {
    presence.number = number;
    presence.heard_at = moment.now;
  }
  return true;
}

Result<AgentIndex> Coordinator::register_agent(const Report& report, const std::string& identity,
                                               Moment moment) {
  const std::optional<AgentIndex> known = state_.find_agent(report.host);
  std::vector<std::string> apps;
  for (const AppReport& app : report.apps) {
    apps.push_back(app.app);
  }
  if (known && !state_.agent(*known).forgotten) {
    const Agent& agent = state_.agent(*known);
    if (agent.identity != identity) {
      return fail(ErrorCode::permission,
                  fmt::format("{} is another agent's name: if that host is gone, have it forgotten",
                              report.host));
    }
    const bool is_same =
        agent.rack == report.rack && agent.groups == report.groups && agent.apps == apps;
    if (is_same || moment.now - presences_[known->raw].changed_at < limits::control_change_every) {
      return *known;
    }
  }
  const bool is_new_name = !known || state_.agent(*known).forgotten;
  if (is_new_name && count_names(state_, identity) >= limits::control_names_of_key_max) {
    return fail(ErrorCode::limit,
                fmt::format("{} hosts have the key of {}: each host needs one of its own",
                            limits::control_names_of_key_max, report.host));
  }
  Record seen{.wall_s = moment.wall_s,
              .what = AgentSeen{.host = report.host,
                                .identity = identity,
                                .rack = report.rack,
                                .groups = report.groups,
                                .apps = std::move(apps)}};
  if (Status done = take(std::move(seen), moment.now); !done) {
    return fail(done.error());
  }
  presences_.resize(state_.agents.size());
  const AgentIndex agent = *state_.find_agent(report.host);
  presences_[agent.raw].changed_at = moment.now;
  return agent;
}

void Coordinator::prove(AgentIndex agent, const std::string& app, uint64_t attempt,
                        OutcomeKind outcome, std::string_view text, Moment moment) {
  const App* known = state_.find_app(app);
  const Target* target =
      known == nullptr || !known->rollout ? nullptr : find_target(*known->rollout, agent);
  if (target == nullptr || !is_news(*target, attempt, outcome) || !is_signed_text(text)) {
    return;
  }
  append(*known,
         OutcomeProven{.app = app,
                       .host = state_.agent(agent).name,
                       .attempt = attempt,
                       .outcome = outcome,
                       .text = {std::string(text)}},
         moment);
}

Status Coordinator::keep(Presence& presence, const Report& report, Instant now) {
  std::vector<HeardApp> apps;
  apps.reserve(report.apps.size());
  for (const AppReport& app : report.apps) {
    const auto before =
        std::find_if(presence.apps.begin(), presence.apps.end(),
                     [&](const HeardApp& heard) { return heard.report.app == app.app; });
    const bool is_progress = before == presence.apps.end() || before->report.phase != app.phase ||
                             before->report.progress < app.progress;
    apps.push_back({.report = app, .progress_at = is_progress ? now : before->progress_at});
    apps.back().report.text = bounded_text(app.text);
  }
  const uint64_t bytes = memory_of(apps);
  if (bytes > limits::control_small_report_bytes &&
      reports_bytes_ - presence.bytes + bytes > limits::control_reports_bytes_max) {
    return fail(ErrorCode::limit,
                fmt::format("{} reports more than the coordinator keeps now, with so many others "
                            "that do: at most {} bytes",
                            report.host, limits::control_small_report_bytes));
  }
  put_apps(presence, std::move(apps));
  presence.number = report.number;
  presence.is_known = true;
  presence.is_shortened = false;
  presence.heard_at = now;
  return {};
}

void Coordinator::put_apps(Presence& presence, std::vector<HeardApp> apps) {
  ENSURE(reports_bytes_ >= presence.bytes);
  reports_bytes_ -= presence.bytes;
  presence.apps = std::move(apps);
  presence.bytes = memory_of(presence.apps);
  reports_bytes_ += presence.bytes;
}

// Of a host that is away, people want to know what it ran; nothing is decided by it.
void Coordinator::forget_details_of_away(Instant now) {
  const auto all = static_cast<uint32_t>(presences_.size());
  for (uint32_t looked = 0; looked < std::min(all, limits::control_away_looked_at); ++looked) {
    away_next_ = (away_next_ + 1) % all;
    Presence& presence = presences_[away_next_];
    if (presence.bytes == 0 || is_present(AgentIndex{away_next_}, now)) {
      continue;
    }
    size_t count = 0;
    for (uint64_t bytes = 0; count < presence.apps.size(); ++count) {
      HeardApp& heard = presence.apps[count];
      std::vector<InfoHash>().swap(heard.report.ready);
      std::string().swap(heard.report.text);
      bytes += memory_of(heard);
      if (bytes > limits::control_away_report_bytes_max) {
        break;
      }
    }
    const auto begin = std::make_move_iterator(presence.apps.begin());
    std::vector<HeardApp> apps(begin, begin + static_cast<std::ptrdiff_t>(count));
    put_apps(presence, std::move(apps));
    presence.is_shortened = true;
  }
}

bool Coordinator::is_present(AgentIndex agent, Instant now) const {
  ENSURE(agent.raw < presences_.size());
  return now - presences_[agent.raw].heard_at < limits::control_lease;
}

Heard Coordinator::heard_of(AgentIndex agent) const {
  ENSURE(agent.raw < presences_.size());
  const Presence& presence = presences_[agent.raw];
  return {.is_known = presence.is_known, .at = presence.heard_at, .apps = presence.apps};
}

Wanted Coordinator::wanted_for(AgentIndex agent) const {
  ENSURE(agent.raw < presences_.size());
  const Presence& presence = presences_[agent.raw];
  return {.origin = state_.origin,
          .revision = state_.sequence,
          .greeting = presence.greeting,
          .heard_number = presence.number,
          .apps = wanted_apps(state_, agent)};
}

Decisions Coordinator::decide(Moment moment) {
  forget_details_of_away(moment.now);
  for (auto& [name, app] : state_.apps) {
    if (app.rollout) {
      decide(app, moment);
    }
  }
  std::sort(tell_.begin(), tell_.end());
  tell_.erase(std::unique(tell_.begin(), tell_.end()), tell_.end());
  return {.records = std::exchange(records_, {}), .tell = std::exchange(tell_, {})};
}

}  // namespace murder::control
