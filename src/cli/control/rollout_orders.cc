#include "cli/control/rollout_orders.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/control/rollout_exit.h"
#include "engine/base/printable.h"

namespace murder::cli {

namespace {

// Of one that goes on, or to its end.
std::vector<trust::OrderKind> kinds_of(std::string_view verb, const Json& rollout) {
  if (verb == "abort") {
    return {trust::OrderKind::want};
  }
  if (verb == "undo") {
    return {trust::OrderKind::go_back};
  }
  return kinds_of_start(rollout["plan"]["allow_older"] == Json(true),
                        text_member(rollout["plan"], "on_failure") == "rollback");
}

Result<Json> signed_orders(CoordinatorClient& client, std::string_view verb, const std::string& app,
                           const OrderSigner& signer, const CommandContext& context) {
  const Result<Json> rollout = ask_rollout(client, app);
  if (!rollout) {
    return fail(rollout.error());
  }
  OrderSubject subject{.app = app, .tag = text_member(*rollout, "tag"), .info_hash = {}};
  for (const Json& group : (*rollout)["plan"]["groups"]) {
    subject.groups.push_back(group.text());
  }
  return signer.sign(client, std::move(subject), kinds_of(verb, *rollout), context);
}

}  // namespace

Result<Json> order_rollout(CoordinatorClient& client, std::string_view verb, const std::string& app,
                           const OrderSigner* signer, const CommandContext& context) {
  Json orders;
  if (signer != nullptr && verb != "pause") {
    Result<Json> made = signed_orders(client, verb, app, *signer, context);
    if (!made) {
      return made;
    }
    if (signer->saves()) {
      return Json::object();
    }
    orders = std::move(*made);
  }
  return give_rollout_order(client, verb, app, std::move(orders));
}

Result<Json> give_rollout_order(CoordinatorClient& client, std::string_view verb,
                                const std::string& app, Json orders) {
  Json body = {{"by", operator_name()}};
  if (orders.is_array()) {
    body["orders"] = std::move(orders);
  }
  Result<Json> answer =
      client.post(control_target(fmt::format("/control/rollout/{}", verb), {{"app", app}}), body);
  if (!answer) {
    return answer;
  }
  Json rollout = rollout_of(*answer);
  return rollout.contains("state") ? Result<Json>(std::move(rollout)) : ask_rollout(client, app);
}

Json rollout_of(const Json& answer) {
  const Json& list = answer["rollouts"];
  return list.size() > 0 ? list.items().front() : answer;
}

Result<Json> ask_rollout(CoordinatorClient& client, const std::string& app) {
  const Result<Json> answer = client.get(control_target("/control/rollouts", {{"app", app}}));
  if (!answer) {
    return fail(answer.error());
  }
  for (const Json& rollout : (*answer)["rollouts"]) {
    if (text_member(rollout, "app") == app) {
      return rollout;
    }
  }
  return fail(ErrorCode::not_found,
              fmt::format("{}: there was no rollout of {} yet", client.place(), app));
}

Result<Json> ask_history(CoordinatorClient& client, const std::string& app, uint32_t most) {
  return client.get(
      control_target("/control/history", {{"app", app}, {"max", fmt::format("{}", most)}}));
}

Result<Json> ask_history_of_all(CoordinatorClient& client, uint32_t most) {
  const Result<Json> latest = client.get("/control/rollouts");
  if (!latest) {
    return fail(latest.error());
  }
  std::vector<Json> all;
  for (const Json& rollout : (*latest)["rollouts"]) {
    const Result<Json> history = ask_history(client, text_member(rollout, "app"), most);
    if (!history) {
      return fail(history.error());
    }
    for (const Json& past : (*history)["rollouts"]) {
      all.push_back(past);
    }
  }
  std::ranges::stable_sort(all, {},
                           [](const Json& rollout) { return count_member(rollout, "number"); });
  Json rollouts = Json::array();
  for (size_t index = all.size() - std::min<size_t>(all.size(), most); index < all.size();
       ++index) {
    rollouts.push_back(all[index]);
  }
  return Json{{"rollouts", rollouts}};
}

std::optional<uint64_t> add_stage_times(CoordinatorClient& client, Json& rollout) {
  const Result<Json> history = ask_history(client, text_member(rollout, "app"), 1);
  if (!history) {
    return std::nullopt;
  }
  std::optional<uint64_t> told;
  for (const Json& past : (*history)["rollouts"]) {
    if (past["number"] == rollout["number"] && past["waves_began_s"].is_array()) {
      rollout["waves_began_s"] = past["waves_began_s"];
      const bool is_over = exit_of_state(text_member(past, "state")).has_value();
      rollout["ended_s"] = is_over ? past["changed_s"] : Json(uint64_t{0});
    }
    if (past["number"] == rollout["number"] && past["told"].is_count()) {
      told = past["told"].count();
    }
  }
  return told;
}

Result<std::string> meant_app(CoordinatorClient& client, const std::string& named) {
  if (!named.empty()) {
    return named;
  }
  const Result<Json> answer = client.get("/control/rollouts");
  if (!answer) {
    return fail(answer.error());
  }
  std::string names;
  const Json& rollouts = (*answer)["rollouts"];
  for (const Json& rollout : rollouts) {
    names += (names.empty() ? "" : ", ") + printable_value(text_member(rollout, "app"));
  }
  if (rollouts.size() == 1) {
    return text_member(rollouts.items().front(), "app");
  }
  return fail(ErrorCode::invalid_input,
              rollouts.size() == 0 ? fmt::format("{}: there was no rollout yet", client.place())
                                   : fmt::format("name the app: there are rollouts of {}", names));
}

}  // namespace murder::cli
