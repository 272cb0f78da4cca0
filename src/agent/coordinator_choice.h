// Which coordinator an agent tries next, and after what wait. Pure.
//
// Each agent begins with another one. After a failure it is the next one's turn; the waits are
// drawn at random below a bound that doubles with each failure, so that a fleet that lost its
// coordinator does not come back all at once.
#pragma once

#include <optional>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"
#include "engine/base/prng.h"
#include "engine/codec/server_place.h"

namespace murder::agent {

class CoordinatorChoice {
 public:
  // At least one.
  CoordinatorChoice(std::vector<codec::ServerPlace> coordinators, uint64_t seed);

  [[nodiscard]] const codec::ServerPlace& current() const;
  // It is not to be reached, or it ended the connection: the wait before the next one is tried.
  [[nodiscard]] Duration failed();
  // It does not lead, and named who does: that one is tried next, at once unless this has happened
  // just before (two that name each other). It is reached as the list says, or else as the one that
  // named it: with the same keys, so that nobody is sent from an encrypted link to a plain one.
  [[nodiscard]] Duration redirected(const HostPort& leader);
  // It accepted the agent.
  void succeeded();

 private:
  std::vector<codec::ServerPlace> coordinators_;
  Prng prng_;
  size_t index_ = 0;
  uint32_t failure_count_ = 0;                // since the last success
  uint32_t redirect_count_ = 0;               // in a row
  std::optional<codec::ServerPlace> leader_;  // named by another coordinator; until it fails
};

}  // namespace murder::agent
