#include "cli/fleet/rollout/rollout_options.h"

#include <fmt/format.h>

#include "engine/control/plan.h"

namespace murder::fleet {
namespace {

constexpr const char* rollout_group = "Rollout by a coordinator";

Json json_of_seconds(Duration duration) {
  const bool is_whole = duration % std::chrono::seconds(1) == Duration{};
  return is_whole ? Json(duration / std::chrono::seconds(1)) : Json(seconds_of(duration));
}

tl::unexpected<Error> wrong_option(std::string_view option, const Error& error) {
  return fail(ErrorCode::invalid_input, fmt::format("{} {}", option, error.text));
}

Status take_waves(const RolloutWords& words, control::Plan& plan, Json& json) {
  if (words.waves.empty()) {
    return {};
  }
  const Result<std::vector<control::Share>> waves = control::parse_waves(words.waves);
  if (!waves) {
    return wrong_option("--waves", waves.error());
  }
  plan.waves = *waves;
  json["waves"] = words.waves;
  return {};
}

Status take_max_fail(const RolloutWords& words, control::Plan& plan, Json& json) {
  if (words.max_fail.empty()) {
    return {};
  }
  const Result<control::Share> share = control::Share::parse(words.max_fail);
  if (!share) {
    return wrong_option("--max-fail", share.error());
  }
  plan.max_fail = *share;
  json["max_fail"] = share->text();
  return {};
}

void take_time(const std::optional<Duration>& time, const char* name, Duration& target,
               Json& json) {
  if (time) {
    target = *time;
    json[name] = json_of_seconds(*time);
  }
}

}  // namespace

Result<std::optional<RolloutOptions>> rollout_of(const RolloutWords& words) {
  const bool is_asked = words.is_asked || words.is_attached || words.bake || words.min_healthy ||
                        words.healthy_deadline || !words.waves.empty() || !words.max_fail.empty() ||
                        !words.on_failure.empty() || !words.health.empty() ||
                        !words.before_activate.empty() || !words.after_activate.empty();
  if (!is_asked) {
    return std::optional<RolloutOptions>();
  }
  RolloutOptions options{.plan = Json::object(),
                         .health = words.health,
                         .before_activate = words.before_activate,
                         .after_activate = words.after_activate,
                         .is_attached = words.is_attached};
  control::Plan plan;
  take_time(words.bake, "bake_s", plan.bake, options.plan);
  take_time(words.min_healthy, "min_healthy_s", plan.min_healthy, options.plan);
  take_time(words.healthy_deadline, "healthy_deadline_s", plan.healthy_deadline, options.plan);
  Status taken = take_waves(words, plan, options.plan);
  taken = taken ? take_max_fail(words, plan, options.plan) : taken;
  taken = taken ? control::validate_plan(plan) : taken;
  if (!taken) {
    return fail(taken.error());
  }
  if (!words.on_failure.empty()) {
    options.plan["on_failure"] = words.on_failure;
  }
  return std::optional(std::move(options));
}

Status check_rollout(const DeployOptions& options) {
  const RolloutOptions& rollout = *options.rollout;
  const bool changes_activation = rollout.plan.members().size() > 0 || !rollout.health.empty() ||
                                  !rollout.before_activate.empty() ||
                                  !rollout.after_activate.empty();
  if (changes_activation && !options.activate) {
    return fail(ErrorCode::invalid_input,
                "--waves, --bake, --health, --max-fail, --on-failure and hooks are for --activate");
  }
  return {};
}

void add_rollout_options(cli::ArgumentParser command, RolloutWords& words) {
  command
      .add_flag(
          "--coordinate", words.is_asked,
          "An agent on each host and a coordinator on the seeder's do the deploy: it goes on\n"
          "when this machine is gone. The default wherever that can be; every option of this\n"
          "group but the next asks for it")
      .group(rollout_group);
  command
      .add_flag("--no-coordinate", words.is_refused,
                "This machine does it, with commands over ssh: it ends with this machine")
      .group(rollout_group);
  command
      .add_flag("--attached", words.is_attached,
                "It ends when this command does, however that ends: nothing further is activated")
      .group(rollout_group);
  command
      .add_option("--waves", words.waves,
                  "With --activate: how many hosts are switched at the end of each wave, in all:\n"
                  "1,10%,50%,100% (default: all at once). The last wave is always all of them")
      .type_name("SHARES")
      .group(rollout_group);
  command
      .add_duration("--bake", words.bake,
                    "How long a wave that is healthy is watched before the next one (default: 0)")
      .group(rollout_group);
  command
      .add_option("--health", words.health,
                  "Run by `sh -c` on each host again and again: it is healthy when that ends\n"
                  "with status 0. A host that is not goes back to what it ran before")
      .type_name("COMMAND")
      .completes(cli::ValueKind::text)
      .group(rollout_group);
  command
      .add_duration("--min-healthy", words.min_healthy,
                    "How long it must succeed without a break (default: 10s)")
      .group(rollout_group);
  command
      .add_duration("--healthy-deadline", words.healthy_deadline,
                    "A host that is not healthy this long after its switch failed (default: 5m)")
      .group(rollout_group);
  command
      .add_option("--max-fail", words.max_fail,
                  "That many failed hosts, or that share, stop the rollout; the first one does\n"
                  "with 0, too (default: as many as --quorum does not allow, without it 1)")
      .type_name("SHARE")
      .group(rollout_group);
  command
      .add_option("--on-failure", words.on_failure,
                  "Then: hold, switch no other host (default), or rollback, return those that\n"
                  "were switched")
      .one_of({"hold", "rollback"})
      .group(rollout_group);
  command
      .add_option("--hook-before-activate", words.before_activate,
                  "Run by `sh -c` on each host before the switch; it fails: no switch there")
      .type_name("COMMAND")
      .completes(cli::ValueKind::text)
      .group(rollout_group);
  command
      .add_option("--hook-after-activate", words.after_activate,
                  "Run by `sh -c` on each host after the switch; it fails: the host goes back")
      .type_name("COMMAND")
      .completes(cli::ValueKind::text)
      .group(rollout_group);
}

}  // namespace murder::fleet
