#include "engine/hash/sha1.h"

namespace murder::hash {

const Sha1Choice& sha1_choice() {
  static const Sha1Choice choice = shalanes::choose_by_environment<shalanes::Sha1>(sha1_variable);
  return choice;
}

Sha1Digest sha1(std::span<const uint8_t> bytes) {
  return {shalanes::hash(sha1_choice(), bytes)};
}

}  // namespace murder::hash
