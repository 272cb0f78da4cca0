// The agent's side of trust/link_proof.h, of one connection after the other. In an open fleet it
// does nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/control/link_messages.h"
#include "engine/trust/fleet_key.h"
#include "engine/trust/link_proof.h"

namespace murder::agent {

class LinkGuard {
 public:
  explicit LinkGuard(const std::optional<trust::FleetKeys>& keys);

  // Another connection: `target` with this agent's hello. Error: no randomness.
  [[nodiscard]] Result<std::string> begin(std::string_view target);
  // Errors (untrusted): the coordinator has not proven the key, so nothing is said to it.
  [[nodiscard]] Status take(const control::Challenge& challenge);
  // Of a message that came: takes its MAC off. False: it is not the coordinator's next one.
  [[nodiscard]] bool open(std::string& text);
  void seal(std::string& text);

  // Of a message, beside its text.
  [[nodiscard]] size_t surplus_bytes() const { return fleet_ ? trust::mac_bytes : 0; }

 private:
  std::optional<trust::KeyPair> fleet_;
  std::string hello_;
  std::optional<trust::LinkSeal> seal_;  // after the challenge
};

}  // namespace murder::agent
