// The first stage of a deploy on each host: it is reached, and gets this program unless it has it.
#pragma once

#include <optional>
#include <string>

#include "cli/fleet/deploy_run.h"
#include "cli/fleet/mapped_file.h"

namespace murder::fleet {

class Arrival {
 public:
  explicit Arrival(DeployRun& run);

  [[nodiscard]] Status start(std::span<const HostIndex> hosts);
  // A host that was lost in the middle, and may be booting: it is tried for minutes.
  void start_again(HostIndex host);
  // Whether the result was of this stage.
  bool take(const JobKind& kind, const HostResult& result);
  // Hosts that were not heard of in time are not waited for any more.
  void give_up(HostIndex host, const std::string& reason);
  [[nodiscard]] std::optional<Instant> first_ready_at() const { return first_ready_at_; }

 private:
  void ready(HostIndex host);
  void lost(const HostResult& result);

  DeployRun& run_;
  std::optional<MappedFile> program_;
  std::string compare_;
  std::string install_;
  JobKind connect_kind_;
  JobKind install_kind_;
  JobKind return_kind_;
  std::optional<Instant> first_ready_at_;
};

}  // namespace murder::fleet
