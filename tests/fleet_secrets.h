// Keys of fleets for tests: each byte of a secret is the same, so that one is known by a number.
#pragma once

#include <initializer_list>

#include "engine/trust/fleet_key.h"

namespace murder::test {

inline trust::Secret secret_of(uint8_t fill) {
  trust::Secret secret{};
  secret.fill(fill);
  return secret;
}

inline trust::KeyPair pair_of(std::initializer_list<uint8_t> fills) {
  trust::KeyPair pair;
  for (const uint8_t fill : fills) {
    pair.secrets[pair.count++] = secret_of(fill);
  }
  return pair;
}

inline trust::FleetKeys fleet_keys_of(std::initializer_list<uint8_t> fleet,
                                      std::initializer_list<uint8_t> opener = {}) {
  return {.fleet = pair_of(fleet), .opener = pair_of(opener)};
}

}  // namespace murder::test
