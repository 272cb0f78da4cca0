// Who may ask a tracker for what.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "engine/http/handler.h"
#include "engine/trust/request_token.h"
#include "tracker/service_deploy_keys.h"

namespace murder::tracker {

// What a stranger of a closed tracker gets.
[[nodiscard]] http::Response forbidden();

// Seconds since 1970.
[[nodiscard]] uint64_t wall_clock_s();

// Open to all at first; closed for strangers once there are keys of the fleet, or close() was
// called. Deploys may have keys of their own in either case: each then deals with its own releases,
// and nobody else with those. Keeps nothing of who asks; what a stranger of a closed tracker is
// told is the same whatever he asks for. Lives on the thread of its service.
class Gate {
 public:
  // `clock_s` tells the time in seconds since 1970.
  explicit Gate(uint64_t (*clock_s)() = wall_clock_s) : clock_s_(clock_s) {}

  // Those of the fleet, in place of any before.
  void set_keys(const trust::FleetKeys& keys);
  // Whoever has no key is refused from now on.
  void close() { is_closed_ = true; }

  struct Admission {
    std::optional<http::Response> refusal;
    // Whether an announce may make a release known that is not.
    bool opens_releases = false;
    bool is_member = false;             // it came with a token of the fleet
    DeployKeys::Key* deploy = nullptr;  // whose key the request came with
  };
  [[nodiscard]] Admission admit(const http::Request& request, Instant now);
  // Whether whoever was admitted deals with this release.
  [[nodiscard]] bool may_ask(const Admission& admission, const InfoHash& info_hash) const {
    return deploys_.owner_of(info_hash) == admission.deploy;
  }
  // The same of an announce, which makes a release the deploy's that is no deploy's, and that no
  // member of the fleet announces: a host of a deploy has no part in those.
  [[nodiscard]] bool may_announce(const Admission& admission, const InfoHash& info_hash,
                                  Instant now);
  // The announce was taken; `has_peers`: somebody has part in the release after it.
  void note_announce(const Admission& admission, const InfoHash& info_hash, bool has_peers,
                     Instant now);
  // A member announced it, limits::member_release_kept ago at most.
  [[nodiscard]] bool is_of_members(const InfoHash& info_hash, Instant now) const;

  // By which peers of this release prove themselves; empty: they do not.
  [[nodiscard]] trust::KeyPair peer_keys_of(const InfoHash& info_hash) const;
  [[nodiscard]] DeployKeys& deploys() { return deploys_; }

 private:
  [[nodiscard]] bool is_viewer(const http::Request& request) const;
  [[nodiscard]] http::Response refusal_of_stale(const trust::TokenKeys& tokens,
                                                const http::Request& request, uint64_t now_s) const;

  std::optional<trust::TokenKeys> tokens_;  // of the fleet
  trust::KeyPair fleet_;
  bool is_closed_ = false;
  DeployKeys deploys_;
  std::map<InfoHash, Instant> members_announced_at_;  // at most limits::tracker_swarms_max
  uint64_t (*clock_s_)();
};

}  // namespace murder::tracker
