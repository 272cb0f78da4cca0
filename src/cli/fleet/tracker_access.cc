#include "cli/fleet/tracker_access.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "engine/codec/url.h"
#include "engine/host/fleet_key_file.h"
#include "engine/http/blocking_client.h"
#include "engine/trust/request_token.h"

namespace murder::fleet {
namespace {

constexpr int forbidden = 403;

uint64_t seconds_since_1970() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::max<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(since_1970).count(), 0));
}

// None that can be used: there is no file, or it is not for this user.
std::optional<trust::TokenKeys> own_tokens(const std::optional<trust::FleetKeys>& of_deploy) {
  if (of_deploy) {
    return trust::TokenKeys(*of_deploy);
  }
  const Result<std::optional<trust::FleetKeys>> keys = host::fleet_keys_for("", false);
  return keys && *keys ? std::optional<trust::TokenKeys>(**keys) : std::nullopt;
}

}  // namespace

Result<http::Reply> ask_tracker(const std::string& url, const http::RequestOptions& options,
                                const std::optional<trust::FleetKeys>& of_deploy) {
  const std::optional<trust::TokenKeys> tokens = own_tokens(of_deploy);
  const Result<codec::Url> parsed = codec::Url::parse(url);
  if (!tokens || !parsed) {
    return http::blocking_request(url, options);
  }
  const auto ask = [&](const std::string& target) {
    return http::blocking_request(parsed->origin() + target + parsed->pin_fragment(), options);
  };
  const std::string target = tokens->signed_target(parsed->target(), seconds_since_1970());
  Result<http::Reply> reply = ask(target);
  if (reply && reply->status == forbidden) {
    if (const std::optional<uint64_t> there = tokens->told_time(target, reply->body)) {
      return ask(tokens->signed_target(parsed->target(), *there));
    }
  }
  return reply;
}

bool is_of_closed_tracker(const http::Reply& reply) {
  return reply.status == forbidden && reply.body == "forbidden\n";
}

}  // namespace murder::fleet
