#include "coordinator/plan_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "engine/base/printable.h"
#include "engine/control/bounds.h"
#include "engine/control/names_of.h"

namespace murder::coordinator {
namespace {

using control::Plan;
using control::Share;

struct TimeMember {
  std::string_view name;
  Duration Plan::*member;
};

constexpr std::array times = {
    TimeMember{"bake_s", &Plan::bake},
    TimeMember{"min_healthy_s", &Plan::min_healthy},
    TimeMember{"healthy_deadline_s", &Plan::healthy_deadline},
    TimeMember{"progress_deadline_s", &Plan::progress_deadline},
    TimeMember{"confirm_within_s", &Plan::confirm_within},
};

struct ShareMember {
  std::string_view name;
  Share Plan::*member;
};

constexpr std::array shares = {
    ShareMember{"max_fail", &Plan::max_fail},
    ShareMember{"max_unavailable", &Plan::max_unavailable},
    ShareMember{"rack_max_unavailable", &Plan::rack_max_unavailable},
    ShareMember{"quorum", &Plan::quorum},
};

tl::unexpected<Error> wrong_member(std::string_view name, std::string_view text) {
  return fail(ErrorCode::invalid_input,
              fmt::format("{}: {}", printable_value(name.substr(0, 40)), text));
}

// Seconds, also 0.5.
Status take_time(std::string_view name, const Json& value, Duration& duration) {
  const double most_s = seconds_of(limits::control_duration_max);
  const double seconds = value.number();
  if (!value.is_number() || !(seconds >= 0 && seconds <= most_s)) {
    return wrong_member(name, "write a number of seconds, 30 days at most");
  }
  duration = std::chrono::milliseconds(std::llround(seconds * 1000));
  return {};
}

// "10%", "3", or 3.
Status take_share(std::string_view name, const Json& value, Share& share) {
  const Result<Share> parsed =
      Share::parse(value.is_count() ? fmt::format("{}", value.count()) : value.text());
  if (!parsed) {
    return wrong_member(name, parsed.error().text);
  }
  share = *parsed;
  return {};
}

Status take_waves(const Json& value, Plan& plan) {
  const Result<std::vector<Share>> waves = control::parse_waves(value.text());
  if (!waves) {
    return wrong_member("waves", waves.error().text);
  }
  plan.waves = *waves;
  return {};
}

Status take_groups(const Json& value, Plan& plan) {
  plan.groups.clear();
  for (const Json& group : value.items()) {
    plan.groups.push_back(group.text());
  }
  return value.is_array() ? Status() : wrong_member("groups", "write a list of names");
}

Status take_on_failure(const Json& value, Plan& plan) {
  const auto& names = control::names_of<control::OnFailure>;
  const auto found = std::find(names.begin(), names.end(), value.text());
  if (found == names.end()) {
    return wrong_member("on_failure", "write \"hold\" or \"rollback\"");
  }
  plan.on_failure = static_cast<control::OnFailure>(found - names.begin());
  return {};
}

std::string waves_text(const std::vector<Share>& waves) {
  std::string text;
  for (const Share& wave : waves) {
    text += fmt::format("{}{}", text.empty() ? "" : ",", wave.text());
  }
  return text;
}

}  // namespace

Status take_plan_member(std::string_view name, const Json& value, Plan& plan) {
  for (const TimeMember& time : times) {
    if (time.name == name) {
      return take_time(name, value, plan.*time.member);
    }
  }
  for (const ShareMember& share : shares) {
    if (share.name == name) {
      return take_share(name, value, plan.*share.member);
    }
  }
  if (name == "waves") {
    return take_waves(value, plan);
  }
  if (name == "groups") {
    return take_groups(value, plan);
  }
  if (name == "on_failure") {
    return take_on_failure(value, plan);
  }
  if (name == "begin_wall_s") {
    plan.begin_wall_s = static_cast<int64_t>(value.count());
    return value.is_count() && value.count() <= static_cast<uint64_t>(INT64_MAX)
               ? Status()
               : wrong_member(name, "write seconds since 1970");
  }
  if (name == "allow_older") {
    plan.allow_older = value == Json(true);
    return value.is_boolean() ? Status() : wrong_member(name, "write true or false");
  }
  return wrong_member(name, "is not a member of a rollout's plan");
}

void write_plan(JsonWriter& json, const Plan& plan) {
  json.begin_object();
  json.key("groups");
  json.begin_array();
  for (const std::string& group : plan.groups) {
    json.text(group);
  }
  json.end_array();
  json.member("waves", waves_text(plan.waves));
  for (const TimeMember& time : times) {
    json.key(time.name);
    const Duration duration = plan.*time.member;
    if (duration % std::chrono::seconds(1) == Duration{}) {
      json.number(duration / std::chrono::seconds(1));
    } else {
      json.number(seconds_of(duration));
    }
  }
  for (const ShareMember& share : shares) {
    json.member(share.name, (plan.*share.member).text());
  }
  json.member("on_failure",
              control::names_of<control::OnFailure>[static_cast<size_t>(plan.on_failure)]);
  json.member("begin_wall_s", plan.begin_wall_s);
  json.member("allow_older", plan.allow_older);
  json.end_object();
}

}  // namespace murder::coordinator
