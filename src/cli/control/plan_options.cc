#include "cli/control/plan_options.h"

#include <fmt/format.h>

#include <array>

#include "engine/control/plan.h"

namespace murder::cli {
namespace {

constexpr const char* plan_group = "Plan";

struct ShareOption {
  const char* name;
  const char* member;
  std::string PlanOptions::*text;
  control::Share control::Plan::*share;
  const char* help;
};
constexpr std::array share_options = {
    ShareOption{"--max-fail", "max_fail", &PlanOptions::max_fail, &control::Plan::max_fail,
                "That many failed hosts, or that share of all, stop the rollout; the first one\n"
                "does with 0, too (default: 2%)"},
    ShareOption{"--max-unavailable", "max_unavailable", &PlanOptions::max_unavailable,
                &control::Plan::max_unavailable,
                "Hosts that may be down at a time by the rollout's doing (default: 100%)"},
    ShareOption{"--rack-max-unavailable", "rack_max_unavailable",
                &PlanOptions::rack_max_unavailable, &control::Plan::rack_max_unavailable,
                "The same, of the hosts of each rack (default: 100%)"},
    ShareOption{"--quorum", "quorum", &PlanOptions::quorum, &control::Plan::quorum,
                "Hosts that must have the release before the first one activates it\n"
                "(default: 0%)"},
};

struct TimeOption {
  const char* name;
  const char* member;
  std::optional<Duration> PlanOptions::*asked;
  Duration control::Plan::*duration;
  const char* help;
};
constexpr std::array time_options = {
    TimeOption{"--bake", "bake_s", &PlanOptions::bake, &control::Plan::bake,
               "How long a wave that is healthy is watched before the next one begins\n"
               "(default: 0)"},
    TimeOption{"--min-healthy", "min_healthy_s", &PlanOptions::min_healthy,
               &control::Plan::min_healthy,
               "How long the health check of a host must succeed without a break\n"
               "(default: 10s)"},
    TimeOption{"--healthy-deadline", "healthy_deadline_s", &PlanOptions::healthy_deadline,
               &control::Plan::healthy_deadline,
               "A host that is not healthy this long after its activation failed\n"
               "(default: 5m)"},
    TimeOption{"--progress-deadline", "progress_deadline_s", &PlanOptions::progress_deadline,
               &control::Plan::progress_deadline,
               "A host that fetches nothing for so long failed (default: 10m)"},
    TimeOption{"--confirm-within", "confirm_within_s", &PlanOptions::confirm_within,
               &control::Plan::confirm_within,
               "A host goes back by itself when no coordinator confirms the release for this\n"
               "long after it became healthy (default: never)"},
};

// Whole seconds as such: that is how most are written.
Json seconds_json(Duration duration) {
  const bool is_whole = duration % std::chrono::seconds(1) == Duration{};
  return is_whole ? Json(duration / std::chrono::seconds(1)) : Json(seconds_of(duration));
}

std::vector<std::string> split_at_commas(const std::vector<std::string>& lists) {
  std::vector<std::string> names;
  for (std::string_view rest : lists) {
    while (true) {
      const size_t comma = rest.find(',');
      names.emplace_back(rest.substr(0, comma));
      if (comma == std::string_view::npos) {
        break;
      }
      rest.remove_prefix(comma + 1);
    }
  }
  return names;
}

tl::unexpected<Error> wrong_value(std::string_view option, const Error& error) {
  return fail(ErrorCode::invalid_input, fmt::format("{} {}", option, error.text));
}

Status take_shares(const PlanOptions& options, control::Plan& plan, Json& json) {
  for (const ShareOption& each : share_options) {
    const std::string& text = options.*each.text;
    if (text.empty()) {
      continue;
    }
    const Result<control::Share> share = control::Share::parse(text);
    if (!share) {
      return wrong_value(each.name, share.error());
    }
    plan.*each.share = *share;
    json[each.member] = share->text();
  }
  return {};
}

Status take_waves(const PlanOptions& options, control::Plan& plan, Json& json) {
  if (options.waves.empty()) {
    return {};
  }
  const Result<std::vector<control::Share>> waves = control::parse_waves(options.waves);
  if (!waves) {
    return wrong_value("--waves", waves.error());
  }
  plan.waves = *waves;
  std::string text;
  for (const control::Share& wave : *waves) {
    text += (text.empty() ? "" : ",") + wave.text();
  }
  json["waves"] = text;
  return {};
}

}  // namespace

void add_plan_options(ArgumentParser command, PlanOptions& options) {
  command
      .add_option("--groups", options.groups,
                  "Hosts of these groups alone, with commas between them; may be repeated\n"
                  "(default: every host that takes the app)")
      .type_name("GROUPS")
      .one_value_each_time()
      .group(plan_group);
  command
      .add_option("--waves", options.waves,
                  "How many hosts have activated it at the end of each wave, in all:\n"
                  "1,10%,50%,100% (default: 100%; a list that ends with less gets 100% as its\n"
                  "last wave)")
      .type_name("LIST")
      .group(plan_group);
  for (const ShareOption& each : share_options) {
    command.add_option(each.name, options.*each.text, each.help)
        .type_name("SHARE")
        .group(plan_group);
  }
  for (const TimeOption& each : time_options) {
    command.add_duration(each.name, options.*each.asked, each.help).group(plan_group);
  }
  command
      .add_option("--on-failure", options.on_failure,
                  "When that many hosts failed: hold (an operator decides) or rollback\n"
                  "(default: hold)")
      .one_of({"hold", "rollback"})
      .type_name("WHAT")
      .group(plan_group);
  command
      .add_option("--at", options.at,
                  "Only fetch until then: 02:00, \"tomorrow 02:00\", +10m,\n"
                  "\"2026-11-30 02:00\" or 2026-11-30T02:00:00Z (default: now)")
      .type_name("TIME")
      .group(plan_group);
  command
      .add_flag("--allow-older", options.allow_older,
                "Also on hosts that run a release with a higher serial")
      .group(plan_group);
}

Result<Json> plan_json(const PlanOptions& options, int64_t now_s, const ZoneClock& zone) {
  control::Plan plan;
  Json json = Json::object();
  plan.groups = split_at_commas(options.groups);
  if (!plan.groups.empty()) {
    json["groups"] = plan.groups;
  }
  if (Status taken = take_waves(options, plan, json); !taken) {
    return fail(taken.error());
  }
  if (Status taken = take_shares(options, plan, json); !taken) {
    return fail(taken.error());
  }
  for (const TimeOption& each : time_options) {
    if (const std::optional<Duration>& asked = options.*each.asked) {
      plan.*each.duration = *asked;
      json[each.member] = seconds_json(*asked);
    }
  }
  if (!options.on_failure.empty()) {
    json["on_failure"] = options.on_failure;
  }
  if (!options.at.empty()) {
    const Result<int64_t> at = parse_at(options.at, now_s, zone);
    if (!at) {
      return wrong_value("--at", at.error());
    }
    plan.begin_wall_s = *at;
    json["begin_wall_s"] = *at;
  }
  if (options.allow_older) {
    json["allow_older"] = true;
  }
  if (Status valid = control::validate_plan(plan); !valid) {
    return fail(ErrorCode::invalid_input, valid.error().text);
  }
  return json;
}

}  // namespace murder::cli
