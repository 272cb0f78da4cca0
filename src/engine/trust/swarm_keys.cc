#include "engine/trust/swarm_keys.h"

namespace murder::trust {

SwarmKeys swarm_keys_of(const KeyPair& fleet, const InfoHash& info_hash) {
  SwarmKeys keys;
  for (const Secret& secret : fleet.all()) {
    const std::span<const uint8_t> salt = info_hash.bytes;
    keys.keys[keys.count++] = {
        .hello = hkdf_sha256(secret, salt, "murder peer 1 hello"),
        .answer = hkdf_sha256(secret, salt, "murder peer 1 answer"),
        .dialler_seal = hkdf_sha256(secret, salt, "murder peer 1 dialler seal"),
        .acceptor_seal = hkdf_sha256(secret, salt, "murder peer 1 acceptor seal"),
        .tls = hkdf_sha256(secret, salt, "murder peer 1 tls")};
  }
  return keys;
}

}  // namespace murder::trust
