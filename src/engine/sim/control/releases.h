// The releases of a simulation, as they really are: which hosts can run them. The coordinator does
// not know.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/prng.h"
#include "engine/base/types.h"

namespace murder::control_sim {

enum class Fate : uint8_t {
  works,
  is_sick,       // never healthy
  hangs,         // its activation never ends
  breaks,        // its activation fails
  flaps,         // healthy, and some time later not
  stalls,        // its fetch never ends
  cannot_fetch,  // the disk is full, or what came is not what was signed
};

struct TrueRelease {
  uint32_t app = 0;
  std::string tag;
  InfoHash info_hash;
  uint64_t serial = 0;
  double bad_share = 0;  // of the hosts
  bool is_published = false;
  Instant revoked_at = instant_never;
};

class TrueReleases {
 public:
  explicit TrueReleases(uint64_t seed) : seed_(seed) {}

  TrueRelease& make(uint32_t app, double bad_share);
  [[nodiscard]] std::vector<TrueRelease>& all() { return releases_; }
  [[nodiscard]] const TrueRelease* find(const InfoHash& info_hash) const;
  [[nodiscard]] Fate fate_of(const InfoHash& info_hash, uint32_t host) const;

 private:
  uint64_t seed_;
  std::vector<TrueRelease> releases_;
};

}  // namespace murder::control_sim
