// The keys of one swarm, derived from those of the fleet and the info hash: who knows one swarm's
// keys knows nothing of another's. A key for each role and message, so that none can be taken for
// another. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/base/types.h"
#include "engine/trust/fleet_key.h"

namespace murder::trust {

struct SwarmKey {
  Secret hello{};
  Secret answer{};
  Secret dialler_seal{};
  Secret acceptor_seal{};
  Secret tls{};
};

struct SwarmKeys {
  std::array<SwarmKey, limits::fleet_keys_max> keys{};  // the first is used for making
  uint32_t count = 0;

  [[nodiscard]] std::span<const SwarmKey> all() const { return std::span(keys).first(count); }
};

[[nodiscard]] SwarmKeys swarm_keys_of(const KeyPair& fleet, const InfoHash& info_hash);

}  // namespace murder::trust
