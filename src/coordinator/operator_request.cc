#include "coordinator/operator_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "coordinator/plan_json.h"
#include "engine/base/printable.h"
#include "engine/base/tag.h"
#include "engine/codec/query.h"
#include "engine/control/names.h"

namespace murder::coordinator {
namespace {

constexpr std::array routes = {
    Route{"PUT", "/control/release", Action::publish, Access::order},
    Route{"POST", "/control/release/known", Action::note_release, Access::order},
    Route{"POST", "/control/release/revoke", Action::revoke, Access::order},
    Route{"POST", "/control/rollout", Action::start, Access::order},
    Route{"POST", "/control/rollout/pause", Action::pause, Access::order},
    Route{"POST", "/control/rollout/resume", Action::resume, Access::order},
    Route{"POST", "/control/rollout/abort", Action::abort, Access::order},
    Route{"POST", "/control/rollout/undo", Action::undo, Access::order},
    Route{"POST", "/control/agents/forget", Action::forget, Access::order},
    Route{"POST", "/control/agents/approve", Action::approve, Access::order},
    Route{"POST", "/control/end", Action::end_deploy, Access::order},
    Route{"GET", "/control/release", Action::show_release, Access::read},
    Route{"GET", "/control/releases", Action::show_releases, Access::read},
    Route{"GET", "/control/rollouts", Action::show_rollouts, Access::read},
    Route{"GET", "/control/agents", Action::show_agents, Access::read},
    Route{"GET", "/control/agents/waiting", Action::show_waiting, Access::read},
    Route{"GET", "/control/right", Action::show_right, Access::read},
    Route{"GET", "/control/history", Action::show_history, Access::read},
    Route{"GET", "/control/audit", Action::show_audit, Access::read},
    Route{"GET", "/control/torrent", Action::fetch_torrent, Access::agent},
    Route{"GET", "/control/agent", Action::connect_agent, Access::agent},
};

// See permission.h and order_tokens.h.
constexpr std::array<std::string_view, 5> of_whoever_asks = {"token", "viewer", "nonce",
                                                             "body_sha256", "link"};

// Of each action: the parameters that it takes, those that it needs first.
struct Parameters {
  Action action;
  size_t needed_count = 0;
  std::array<std::string_view, 4> names;
};

constexpr std::array parameters_of_actions = {
    Parameters{Action::publish, 2, {"app", "tag", "serial", "by"}},
    Parameters{Action::note_release, 3, {"app", "tag", "info_hash", "by"}},
    Parameters{Action::revoke, 2, {"app", "tag"}},
    Parameters{Action::start, 2, {"app", "tag"}},
    Parameters{Action::pause, 1, {"app"}},
    Parameters{Action::resume, 1, {"app"}},
    Parameters{Action::abort, 1, {"app"}},
    Parameters{Action::undo, 1, {"app"}},
    Parameters{Action::forget, 1, {"host"}},
    Parameters{Action::approve, 1, {"host", "identity"}},
    Parameters{Action::end_deploy, 0, {}},
    Parameters{Action::show_waiting, 0, {}},
    Parameters{Action::show_right, 0, {}},
    Parameters{Action::show_release, 2, {"app", "tag"}},
    Parameters{Action::show_releases, 0, {"app"}},
    Parameters{Action::show_rollouts, 0, {"app"}},
    Parameters{Action::show_agents, 0, {"group", "app", "not_at"}},
    Parameters{Action::show_history, 1, {"app", "max"}},
    Parameters{Action::show_audit, 0, {"from", "max"}},
    Parameters{Action::fetch_torrent, 1, {"info_hash"}},
    Parameters{Action::connect_agent, 0, {}},
};

const Parameters& parameters_of(Action action) {
  return *std::find_if(parameters_of_actions.begin(), parameters_of_actions.end(),
                       [&](const Parameters& each) { return each.action == action; });
}

tl::unexpected<Error> wrong(std::string text) {
  return fail(ErrorCode::invalid_input, std::move(text));
}

Status take_number(std::string_view name, const std::string& text, std::optional<uint64_t>& value) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || last != end) {
    return wrong(fmt::format("{}: write a whole number", name));
  }
  value = number;
  return {};
}

Status take_name(std::string_view name, std::string text, std::string& value) {
  value = std::move(text);
  if (name == "tag" || name == "not_at") {
    return validate_tag(value);
  }
  if (name == "host") {
    return control::validate_host(value);
  }
  if (name == "by" || name == "identity") {
    return control::validate_who(value, name);
  }
  return control::validate_name(value, name);
}

Status take_parameter(std::string_view name, std::string text, OperatorRequest& request) {
  if (name == "serial") {
    return take_number(name, text, request.serial);
  }
  if (name == "from") {
    return take_number(name, text, request.from);
  }
  if (name == "max") {
    return take_number(name, text, request.max);
  }
  if (name == "info_hash") {
    const std::optional<InfoHash> id = InfoHash::from_hex(text);
    request.info_hash = id.value_or(InfoHash{});
    return id ? Status() : wrong("info_hash: write 40 hexadecimal digits");
  }
  std::string& value = name == "app"        ? request.app
                       : name == "identity" ? request.identity
                       : name == "tag"      ? request.tag
                       : name == "host"     ? request.host
                       : name == "group"    ? request.group
                       : name == "by"       ? request.by
                                            : request.not_at;
  return take_name(name, std::move(text), value);
}

Status take_query(std::string_view query, OperatorRequest& request) {
  const Parameters& known = parameters_of(request.action);
  std::array<bool, 4> was_there{};
  codec::QueryPairs pairs(query);
  while (const std::optional<codec::QueryPair> pair = pairs.next()) {
    if (std::find(of_whoever_asks.begin(), of_whoever_asks.end(), pair->key) !=
        of_whoever_asks.end()) {
      continue;
    }
    const auto found = std::find(known.names.begin(), known.names.end(), pair->key);
    if (found == known.names.end() || found->empty()) {
      return wrong(fmt::format("'{}' is not a parameter of this request",
                               printable_value(pair->key.substr(0, 40))));
    }
    bool& was_here = was_there[static_cast<size_t>(found - known.names.begin())];
    if (std::exchange(was_here, true)) {
      return wrong(fmt::format("{} is given twice", *found));
    }
    Result<std::string> text = codec::percent_decode(pair->value);
    if (!text) {
      return wrong(fmt::format("{}: {}", *found, text.error().text));
    }
    if (Status taken = take_parameter(*found, std::move(*text), request); !taken) {
      return taken;
    }
  }
  for (size_t index = 0; index < known.needed_count; ++index) {
    if (!was_there[index]) {
      return wrong(fmt::format("the parameter {} is missing", known.names[index]));
    }
  }
  return {};
}

bool takes_body(Action action) {
  return action == Action::revoke || action == Action::start || action == Action::pause ||
         action == Action::resume || action == Action::abort || action == Action::undo ||
         action == Action::forget || action == Action::approve || action == Action::end_deploy;
}

Status take_end_member(std::string_view name, const Json& value, OperatorRequest& request) {
  if (name == "text") {
    request.text = control::bounded_text(value.text());
    return value.is_text() ? Status() : wrong("text: write a text");
  }
  if (name == "keep_partial") {
    request.keep_partial = value == true;
    return value == true || value == false ? Status() : wrong("keep_partial: write true or false");
  }
  return wrong(
      fmt::format("'{}' is not a member of this request", printable_value(name.substr(0, 40))));
}

bool takes_orders(Action action) {
  return takes_body(action) && action != Action::pause && action != Action::forget &&
         action != Action::approve;
}

Status take_orders(const Json& value, std::vector<std::string>& orders) {
  constexpr size_t orders_max = 2;  // forward and back
  for (const Json& each : value.items()) {
    if (!control::is_signed_text(each.text())) {
      return wrong("orders: write a list of signed texts");
    }
    orders.push_back(each.text());
  }
  return value.is_array() && orders.size() <= orders_max
             ? Status()
             : Status(wrong(fmt::format("orders: a list of at most {}", orders_max)));
}

Status take_body(std::string_view body, OperatorRequest& request) {
  if (!takes_body(request.action) || body.empty()) {
    return {};
  }
  const Result<Json> json = parse_json(body);
  if (!json || !json->is_object()) {
    return wrong("the body is not a JSON object");
  }
  for (const auto& [name, value] : json->members()) {
    Status taken;
    if (name == "by") {
      taken = value.is_text() ? take_name(name, value.text(), request.by)
                              : Status(wrong("by: write a text"));
    } else if (name == "orders" && takes_orders(request.action)) {
      taken = take_orders(value, request.orders);
    } else if (name == "why" && request.action == Action::revoke) {
      request.why = control::bounded_text(value.text());
      taken = value.is_text() ? Status() : wrong("why: write a text");
    } else if (name == "paused" && request.action == Action::start) {
      request.is_paused = value == Json(true);
      taken = value.is_boolean() ? Status() : wrong("paused: write true or false");
    } else if (request.action == Action::start) {
      taken = take_plan_member(name, value, request.plan);
    } else if (request.action == Action::end_deploy) {
      taken = take_end_member(name, value, request);
    } else {
      taken = wrong(fmt::format("'{}' is not a member of this request",
                                printable_value(std::string_view(name).substr(0, 40))));
    }
    if (!taken) {
      return taken;
    }
  }
  return request.action == Action::start ? control::validate_plan(request.plan) : Status();
}

}  // namespace

std::string_view parameter_of(std::string_view query, std::string_view name) {
  std::string_view value;
  codec::QueryPairs pairs(query);
  while (const std::optional<codec::QueryPair> pair = pairs.next()) {
    value = pair->key == name ? pair->value : value;
  }
  return value;
}

const Route* find_route(std::string_view method, std::string_view path) {
  const std::string_view meant = method == "HEAD" ? "GET" : method;
  const auto found = std::find_if(routes.begin(), routes.end(), [&](const Route& route) {
    return route.method == meant && route.path == path;
  });
  return found == routes.end() ? nullptr : &*found;
}

bool is_known_path(std::string_view path) {
  return std::any_of(routes.begin(), routes.end(),
                     [&](const Route& route) { return route.path == path; });
}

Result<OperatorRequest> parse_operator_request(const Route& route, std::string_view query,
                                               std::string_view body) {
  OperatorRequest request{.action = route.action};
  if (Status taken = take_query(query, request); !taken) {
    return fail(taken.error());
  }
  if (Status taken = take_body(body, request); !taken) {
    return fail(taken.error());
  }
  return request;
}

}  // namespace murder::coordinator
