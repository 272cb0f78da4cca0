// Sessions of hosts that wait for their next command, at most one of each host.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>

#include "cli/fleet/plan/inventory.h"
#include "cli/fleet/reach/running.h"

namespace murder::fleet {

class SessionPool {
 public:
  // One that has done its job. One that cannot do another ends here.
  void keep(HostIndex host, std::unique_ptr<Running> session);
  // The host's session at work on the next job; null: it has none.
  [[nodiscard]] std::unique_ptr<Running> begin(HostIndex host, Running::Options& options,
                                               std::string_view line);
  [[nodiscard]] bool has(HostIndex host) const { return idle_.contains(host.raw); }
  void drop_one();
  void clear() { idle_.clear(); }
  [[nodiscard]] size_t size() const { return idle_.size(); }

 private:
  std::map<uint32_t, std::unique_ptr<Running>> idle_;
};

}  // namespace murder::fleet
