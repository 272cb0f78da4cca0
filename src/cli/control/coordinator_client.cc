#include "cli/control/coordinator_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "engine/base/printable.h"
#include "engine/base/random_word.h"
#include "engine/base/types.h"
#include "engine/codec/url.h"
#include "engine/hash/sha256.h"
#include "engine/host/fleet_key_file.h"
#include "engine/http/blocking_client.h"

namespace murder::cli {
namespace {

constexpr int status_forbidden = 403;
constexpr int status_method_unknown = 405;
constexpr int status_misdirected = 421;

uint64_t seconds_since_1970() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::max<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(since_1970).count(), 0));
}

ErrorCode code_of_status(int status) {
  switch (status) {
    case 400:
      return ErrorCode::invalid_input;
    case 401:
    case 403:
      return ErrorCode::permission;
    case 404:
      return ErrorCode::not_found;
    case status_method_unknown:
      return ErrorCode::unsupported;
    case 409:
      return ErrorCode::conflict;
    case 413:
      return ErrorCode::limit;
    case 507:
      return ErrorCode::no_space;
    default:
      return ErrorCode::network;
  }
}

// One that answers, and is asked for something else than it has: another one would say the same.
bool is_about_the_way(const Error& error) {
  return error.code == ErrorCode::network || error.code == ErrorCode::timeout;
}

std::string hex_word(uint64_t word) {
  return fmt::format("{:016x}", word);
}

}  // namespace

std::string control_target(std::string_view path, std::initializer_list<QueryMember> members) {
  std::string target(path);
  char joint = '?';
  for (const QueryMember& member : members) {
    if (!member.value.empty()) {
      target += fmt::format("{}{}={}", joint, member.name, codec::percent_encode(member.value));
      joint = '&';
    }
  }
  return target;
}

Result<CoordinatorClient> CoordinatorClient::open(const CoordinatorOptions& options,
                                                  const CoordinatorPlaces& places) {
  CoordinatorClient client(places.coordinators, options);
  client.places_origin_ = places.origin;
  const Result<trust::OperatorKeys> keys = host::operator_keys_for(options.operator_key_path);
  if (!keys) {
    return fail(keys.error());
  }
  if (keys->keys) {
    client.tokens_.emplace(*keys->keys);
  }
  client.viewer_key_ = keys->viewer_key;
  return client;
}

CoordinatorClient CoordinatorClient::with_keys(const codec::ServerPlace& place,
                                               const trust::FleetKeys& keys) {
  CoordinatorClient client({place}, {});
  client.tokens_.emplace(keys);
  return client;
}

Result<Json> CoordinatorClient::get(const std::string& target) {
  const Result<std::string> text = ask({.method = "GET", .target = target, .body = {}});
  if (!text) {
    return fail(text.error());
  }
  Result<Json> json = parse_json(*text);
  if (!json || !json->is_object()) {
    return fail(ErrorCode::network,
                fmt::format("{} is not a coordinator: its answer is not JSON", place()));
  }
  return json;
}

Result<std::string> CoordinatorClient::get_text(const std::string& target) {
  return ask({.method = "GET", .target = target, .body = {}});
}

Result<Json> CoordinatorClient::post(const std::string& target, const Json& body) {
  return order({.method = "POST", .target = target, .body = json_text(body)});
}

Result<Json> CoordinatorClient::put(const std::string& target, const std::string& body) {
  return order({.method = "PUT", .target = target, .body = body});
}

// An order that got no answer may have been carried out: it is not repeated elsewhere, so who
// answers is found out before.
Result<Json> CoordinatorClient::order(const Request& request) {
  if (!has_answered_ && places_.size() > 1) {
    const Result<std::string> any =
        ask({.method = "GET", .target = "/control/rollouts?app=-", .body = {}});
    if (!any && is_about_the_way(any.error())) {
      return fail(any.error());
    }
  }
  const Result<std::string> text = ask_at(asked_, request, true);
  if (!text) {
    return fail(with_origin(text.error()));
  }
  Result<Json> json = text->empty() ? Result<Json>(Json::object()) : parse_json(*text);
  return json ? json : fail(ErrorCode::network, place() + ": its answer is not JSON");
}

Result<std::string> CoordinatorClient::ask(const Request& request) {
  std::string faults;
  std::vector<codec::ServerPlace> order = places_;
  if (has_answered_) {
    std::erase(order, asked_);
    order.insert(order.begin(), asked_);
  }
  Error last;
  for (const codec::ServerPlace& each : order) {
    Result<std::string> text = ask_at(each, request, true);
    if (text || !is_about_the_way(text.error())) {
      return text;
    }
    last = text.error();
    faults += (faults.empty() ? "" : "; ") + last.text;
  }
  return fail(with_origin({last.code, faults}));
}

// Where nobody ever answered the places themselves may be wrong: who named them.
Error CoordinatorClient::with_origin(Error error) const {
  if (is_about_the_way(error) && !was_reached_ && !places_origin_.empty()) {
    error.text +=
        fmt::format(" ({}; a coordinator is `murder tracker --state DIR`)", places_origin_);
  }
  return error;
}

Result<std::string> CoordinatorClient::ask_at(const codec::ServerPlace& place,
                                              const Request& request, bool may_follow) {
  asked_ = place;
  has_answered_ = false;
  const Result<http::Reply> reply = send(place, request);
  if (!reply) {
    return fail(reply.error());
  }
  was_reached_ = true;
  if (reply->status == status_misdirected) {
    const Result<Json> json = parse_json(reply->body);
    const std::string leader = json ? text_member(*json, "leader") : "";
    const Result<CoordinatorPlaces> next = parse_coordinators({leader});
    if (may_follow && next && next->coordinators.size() == 1) {
      return ask_at(as_reached(next->coordinators.front(), place), request, false);
    }
    return fail(ErrorCode::network,
                fmt::format("{} does not lead, and says of no other coordinator that it does",
                            place.text()));
  }
  has_answered_ = true;
  if (reply->status < 200 || reply->status > 299) {
    return fail(error_of(place, *reply));
  }
  return reply->body;
}

// A leader is named by host and port. It is reached as the list says, or else as the one that named
// it: with the same keys, so that nobody is sent from https to http.
codec::ServerPlace CoordinatorClient::as_reached(const HostPort& leader,
                                                 const codec::ServerPlace& named_by) const {
  const auto known = std::ranges::find_if(places_, [&leader](const codec::ServerPlace& each) {
    return static_cast<const HostPort&>(each) == leader;
  });
  codec::ServerPlace place = known == places_.end() ? named_by : *known;
  static_cast<HostPort&>(place) = leader;
  return place;
}

Result<http::Reply> CoordinatorClient::send(const codec::ServerPlace& place,
                                            const Request& request) {
  const http::RequestOptions options{.method = request.method,
                                     .body = request.body,
                                     .timeout = answer_wait_,
                                     .body_bytes_max = limits::coordinator_answer_bytes_max,
                                     .follows_redirects = false};
  const auto ask = [&](const std::string& target) {
    return http::blocking_request(place.url(target), options);
  };
  std::string target = request.target;
  const auto add = [&target](std::string_view name, const std::string& value) {
    const bool has_query = target.find('?') != std::string::npos;
    target += fmt::format("{}{}={}", has_query ? "&" : "?", name, value);
  };
  if (!tokens_) {
    if (!viewer_key_.empty()) {
      add("viewer", viewer_key_);
    }
    return ask(target);
  }
  // A token covers the target. So that it covers the order as well, and holds once:
  if (request.method != "GET") {
    const Result<uint64_t> nonce = random_word();
    if (!nonce) {
      return fail(nonce.error());
    }
    add("nonce", hex_word(*nonce));
    add("body_sha256", hash::sha256(as_bytes_of(request.body)).hex());
  }
  const std::string with_token = tokens_->signed_target(target, seconds_since_1970());
  Result<http::Reply> reply = ask(with_token);
  if (reply && reply->status == status_forbidden) {
    if (const std::optional<uint64_t> there = tokens_->told_time(with_token, reply->body)) {
      return ask(tokens_->signed_target(target, *there));
    }
  }
  return reply;
}

Error CoordinatorClient::error_of(const codec::ServerPlace& place, const http::Reply& reply) const {
  ErrorCode code = code_of_status(reply.status);
  const Result<Json> json = parse_json(reply.body);
  std::string text = json ? text_member(*json, "error") : "";
  if (json && text.empty()) {
    text = text_member((*json)["error"], "text");
  }
  const bool has_key = tokens_ || !viewer_key_.empty();
  if (text.empty() && reply.status == status_forbidden) {
    text = fmt::format(
        "it is closed, and {}: --operator-key FILE names a key file with its operator key, and "
        "--coordinator ssh://HOST runs the command at the coordinator",
        has_key ? "the key does not give this right" : "no key was given");
  } else if (text.empty() && (reply.status == 404 || reply.status == status_method_unknown)) {
    text = "it is a tracker without a coordinator: `murder tracker --state DIR` is one";
    code = ErrorCode::unsupported;  // no release, app or host is missing there
  } else if (text.empty()) {
    const std::string_view line = std::string_view(reply.body).substr(0, reply.body.find('\n'));
    text = fmt::format("HTTP status {}{}{}", reply.status, line.empty() ? "" : ": ", line);
  }
  text.resize(std::min<size_t>(text.size(), limits::coordinator_error_bytes_max));
  return {code, fmt::format("{}: {}", place.text(), printable_value(text))};
}

}  // namespace murder::cli
