#include "tracker/service_gate.h"

#include <chrono>
#include <string_view>

#include "engine/codec/query.h"
#include "tracker/bounds.h"

namespace murder::tracker {
namespace {

http::Response refused(std::string body) {
  return {.status = 403, .body = std::move(body), .close = true};
}

bool is_page(std::string_view path) {
  return path == "/" || path == "/status.json" || path == "/metrics";
}

}  // namespace

http::Response forbidden() {
  return refused("forbidden\n");
}

uint64_t wall_clock_s() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::max<int64_t>(std::chrono::duration_cast<std::chrono::seconds>(since_1970).count(), 0));
}

void Gate::set_keys(const trust::FleetKeys& keys) {
  tokens_.emplace(keys);
  fleet_ = keys.fleet;
  is_closed_ = true;
}

// In the header, as Prometheus sends it, or in the query, as people write it.
bool Gate::is_viewer(const http::Request& request) const {
  constexpr std::string_view bearer = "Bearer ";
  if (!tokens_ || !is_page(request.path)) {
    return false;
  }
  if (request.authorization.starts_with(bearer)) {
    return tokens_->is_viewer_key(request.authorization.substr(bearer.size()));
  }
  codec::QueryPairs pairs(request.query);
  while (const std::optional<codec::QueryPair> pair = pairs.next()) {
    if (pair->key == "viewer") {
      return tokens_->is_viewer_key(pair->value);
    }
  }
  return false;
}

http::Response Gate::refusal_of_stale(const trust::TokenKeys& tokens, const http::Request& request,
                                      uint64_t now_s) const {
  return refused(tokens.clock_reply(request.path, request.query, now_s));
}

Gate::Admission Gate::admit(const http::Request& request, Instant now) {
  const uint64_t now_s = clock_s_();
  const trust::Right right =
      tokens_ ? tokens_->right_of(request.path, request.query, now_s) : trust::Right::none;
  switch (right) {
    case trust::Right::opener:
      return {.opens_releases = true, .is_member = true};
    case trust::Right::member:
      return {.opens_releases = !tokens_->has_opener(), .is_member = true};
    case trust::Right::stale:
      return {.refusal = refusal_of_stale(*tokens_, request, now_s)};
    case trust::Right::none:
      break;
  }
  const DeployKeys::Found found = deploys_.find(request.path, request.query, now_s, now);
  if (found.key != nullptr && found.right == trust::Right::stale) {
    return {.refusal = refusal_of_stale(found.key->tokens(), request, now_s)};
  }
  if (found.key != nullptr) {
    return {.opens_releases = true, .deploy = found.key};
  }
  if (!is_closed_) {
    return {.opens_releases = true};
  }
  return is_viewer(request) ? Admission{} : Admission{.refusal = forbidden()};
}

bool Gate::may_announce(const Admission& admission, const InfoHash& info_hash, Instant now) {
  if (admission.deploy != nullptr && deploys_.owner_of(info_hash) == nullptr &&
      !is_of_members(info_hash, now)) {
    DeployKeys::claim(*admission.deploy, info_hash);
  }
  return may_ask(admission, info_hash);
}

void Gate::note_announce(const Admission& admission, const InfoHash& info_hash, bool has_peers,
                         Instant now) {
  if (!admission.is_member) {
    return;
  }
  if (!has_peers) {
    members_announced_at_.erase(info_hash);
    return;
  }
  if (members_announced_at_.size() >= limits::tracker_swarms_max) {
    std::erase_if(members_announced_at_, [&](const auto& each) {
      return now - each.second > limits::member_release_kept;
    });
  }
  if (members_announced_at_.size() < limits::tracker_swarms_max ||
      members_announced_at_.contains(info_hash)) {
    members_announced_at_[info_hash] = now;
  }
}

bool Gate::is_of_members(const InfoHash& info_hash, Instant now) const {
  const auto found = members_announced_at_.find(info_hash);
  return found != members_announced_at_.end() && now - found->second <= limits::member_release_kept;
}

trust::KeyPair Gate::peer_keys_of(const InfoHash& info_hash) const {
  const DeployKeys::Key* deploy = deploys_.owner_of(info_hash);
  return deploy != nullptr ? deploy->pair() : fleet_;
}

}  // namespace murder::tracker
