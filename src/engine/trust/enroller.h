// Whether an agent that proved a key may have the name that it says. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/trust/enrolment.h"
#include "engine/trust/known_hosts.h"

namespace murder::trust {

// What an agent came with, and what is known of its name.
struct AgentClaim {
  std::string_view host;
  const PublicKey* key = nullptr;  // that it proved (verify_hello)
  std::string_view host_proof;     // a text as of parse_signature_file(); empty: none
  // The identity that has the name already; nothing: nobody has it.
  std::optional<std::string_view> owner;
};

// Of a coordinator, on one thread. Only a name that nobody has is a matter of the mode.
class Enroller {
 public:
  explicit Enroller(EnrolMode mode) : mode_(mode) {}

  // Of EnrolMode::known_hosts; without them nobody is let in by that mode.
  void set_known_hosts(KnownHosts known) { known_ = std::move(known); }

  // Errors are sentences for the agent's log, with what is to be done: the name is another's
  // (conflict), it waits for an operator (permission), its host's ssh key does not prove it
  // (untrusted).
  [[nodiscard]] Status admit(const AgentClaim& claim, int64_t now_s);

  [[nodiscard]] EnrolMode mode() const { return mode_; }
  [[nodiscard]] Approvals& approvals() { return approvals_; }

 private:
  [[nodiscard]] Status check_known(const AgentClaim& claim, int64_t now_s) const;

  EnrolMode mode_;
  std::optional<KnownHosts> known_;
  Approvals approvals_;
};

}  // namespace murder::trust
