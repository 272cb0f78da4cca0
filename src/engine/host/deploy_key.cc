#include "engine/host/deploy_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "engine/http/blocking_client.h"
#include "engine/trust/fleet_key.h"

namespace murder::host {
namespace {

constexpr Duration deploy_key_wait = std::chrono::seconds(20);
constexpr size_t deploy_name_bytes_max = 64;

bool is_deploy_name(std::string_view text) {
  return !text.empty() && text.size() <= deploy_name_bytes_max &&
         std::ranges::all_of(text, [](char each) {
           return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
                  (each >= '0' && each <= '9');
         });
}

}  // namespace

Result<DeployKeyMessage> parse_deploy_key_message(std::string_view text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos || !is_deploy_name(text.substr(0, end))) {
    return fail(ErrorCode::invalid_input, "the name of a deploy is missing");
  }
  DeployKeyMessage message{.deploy = std::string(text.substr(0, end)), .key = std::nullopt};
  text.remove_prefix(end + 1);
  if (text.empty()) {
    return message;
  }
  if (!text.ends_with('\n')) {
    return fail(ErrorCode::invalid_input, "the key of a deploy is cut short");
  }
  const Result<trust::TypedKey> key = trust::parse_key(text.substr(0, text.size() - 1));
  if (!key || key->kind != trust::KeyKind::fleet) {
    return fail(ErrorCode::invalid_input, "the key of a deploy is not a fleet key");
  }
  message.key = key->secret;
  return message;
}

std::string deploy_key_message(std::string_view deploy, std::string_view key) {
  return key.empty() ? fmt::format("{}\n", deploy) : fmt::format("{}\n{}\n", deploy, key);
}

Status tell_deploy_key(const RunDirectory& directory, const RunningProcess& tracker,
                       std::string_view deploy, std::string_view key) {
  const Result<http::Reply> reply =
      http::blocking_request(fmt::format("http://local{}", deploy_key_path),
                             {.method = "POST",
                              .body = deploy_key_message(deploy, key),
                              .timeout = deploy_key_wait,
                              .unix_socket_path = directory.socket_path(tracker.socket_name)});
  if (!reply) {
    return fail(reply.error());
  }
  if (reply->status == 404) {
    return fail(ErrorCode::unsupported,
                fmt::format("the tracker (process {}) is of an older version, which takes no keys "
                            "of deploys: `murder stop --tracker` ends it",
                            tracker.pid));
  }
  if (reply->status != 200) {
    const Result<Json> told = parse_json(reply->body);
    return fail(ErrorCode::conflict,
                told ? text_member((*told)["error"], "text", "it refused the key") : "it refused");
  }
  return {};
}

}  // namespace murder::host
