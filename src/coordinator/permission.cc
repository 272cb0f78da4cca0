#include "coordinator/permission.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "coordinator/json_response.h"
#include "engine/codec/query.h"
#include "engine/control/names.h"

namespace murder::coordinator {
namespace {

Permission stranger() {
  return {.refusal = http::Response{.status = 403, .body = "forbidden\n", .close = true},
          .proof = {}};
}

Permission refused(std::string text) {
  return {.refusal = json_error(403, text), .proof = {}};
}

// In the header, as Prometheus sends it, or in the query, as people write it.
bool is_viewer(const http::Request& request, const trust::TokenKeys& keys) {
  constexpr std::string_view bearer = "Bearer ";
  if (request.authorization.starts_with(bearer)) {
    return keys.is_viewer_key(request.authorization.substr(bearer.size()));
  }
  codec::QueryPairs pairs(request.query);
  while (const std::optional<codec::QueryPair> pair = pairs.next()) {
    if (pair->key == "viewer") {
      return keys.is_viewer_key(pair->value);
    }
  }
  return false;
}

bool is_loopback(const IpAddress& address) {
  static const IpAddress loopback = *IpAddress::parse("::1");
  return address.is_v4() ? address.v4_bytes()[0] == 127 : address == loopback;
}

Permission of_closed(const http::Request& request, Access access, const trust::TokenKeys& keys,
                     uint64_t now_s) {
  switch (keys.right_of(request.path, request.query, now_s)) {
    case trust::Right::opener:
      return {.refusal = {}, .proof = "operator key"};
    case trust::Right::member:
      if (access == Access::order && keys.has_opener()) {
        return refused("orders of this coordinator need the operator's key of its fleet");
      }
      return {.refusal = {}, .proof = "fleet key"};
    case trust::Right::stale:
      return {
          .refusal = http::Response{.status = 403,
                                    .body = keys.clock_reply(request.path, request.query, now_s),
                                    .close = true},
          .proof = {}};
    case trust::Right::none:
      break;
  }
  if (access == Access::read && is_viewer(request, keys)) {
    return {.refusal = {}, .proof = "viewer key"};
  }
  return stranger();
}

Permission of_open(const http::Request& request, Access access, const PermissionRules& rules) {
  const bool is_local = comes_from_here(request);
  if (access == Access::order && !is_local && !rules.orders_from_anywhere) {
    return refused(
        "this coordinator has no keys, so it takes orders from its own host only: give the fleet "
        "an operator's key (murder key new-operator), run the command there over ssh, or start the "
        "tracker with --open, where everybody on the network may give orders");
  }
  return {.refusal = {}, .proof = is_local ? "local" : request.remote.address.text()};
}

}  // namespace

Permission permission_of(const http::Request& request, Access access, const PermissionRules& rules,
                         uint64_t now_s) {
  Permission permission = rules.keys != nullptr ? of_closed(request, access, *rules.keys, now_s)
                                                : of_open(request, access, rules);
  // A browser on the coordinator's own host, on behalf of some page. Strangers are not told.
  if (!permission.refusal && access == Access::order && !request.origin.empty()) {
    return refused("orders are not taken from web pages");
  }
  return permission;
}

bool comes_from_here(const http::Request& request) {
  return request.is_local_socket || is_loopback(request.remote.address) ||
         request.remote.address == request.local.address;
}

Result<std::string> name_of_asker(const std::string& proof, const std::string& claimed) {
  std::string name = claimed.empty() ? proof : fmt::format("{}: {}", proof, claimed);
  if (Status valid = control::validate_who(name, "by"); !valid) {
    return fail(valid.error());
  }
  return name;
}

}  // namespace murder::coordinator
