// How a coordinator learns which key is whose agent's. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace murder::trust {

enum class EnrolMode : uint8_t {
  tofu,         // the key that comes first with a name has it
  approve,      // an operator has to approve each new key
  known_hosts,  // the host's ssh key has to sign for it (host_proof.h)
};

struct Enrolment {
  EnrolMode mode = EnrolMode::tofu;
  std::string known_hosts_path;

  bool operator==(const Enrolment&) const = default;
};
// "tofu", "approve" or "known_hosts:FILE", as of --enrol.
[[nodiscard]] Result<Enrolment> parse_enrolment(std::string_view text);

// Agents that wait for an operator, and those that he approved and that have not come back since.
// In memory only: whoever still waits after a restart comes again by himself.
class Approvals {
 public:
  struct Waiting {
    std::string host;
    std::string identity;  // "SHA256:..."
  };

  // An agent that proved a key came, and no other key has its name. True: it was approved, which
  // holds for this once. Else it waits; of too many the one that waits longest is forgotten.
  [[nodiscard]] bool come(std::string_view host, std::string_view identity);
  // By an operator: the agent that waits with that name, and with that identity if one is given.
  // The identity that was approved. Errors: nobody waits with it, or several do and the operator
  // has to say which one.
  [[nodiscard]] Result<std::string> approve(std::string_view host, std::string_view identity);

  [[nodiscard]] std::vector<Waiting> waiting() const;

 private:
  struct Entry {
    Waiting agent;
    bool is_approved = false;
  };
  std::deque<Entry> entries_;  // the one that came last is the last
};

}  // namespace murder::trust
