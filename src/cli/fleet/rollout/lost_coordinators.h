// The hosts that the coordinator of a deploy was on and that were lost in the middle: how long the
// same one is waited for, and what is cleaned up there when it is back.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fleet/deploy_run.h"
#include "engine/base/instant.h"

namespace murder::fleet {

// With --quorum, once enough others have the release: one that is not back by then is left.
inline constexpr Duration lost_beyond_quorum = std::chrono::seconds(5);

class LostCoordinators {
 public:
  void add(HostIndex host, Instant now);
  // An attempt to reach it has failed.
  void note_unreachable(HostIndex host);
  [[nodiscard]] bool may_take_up() const;
  [[nodiscard]] const std::vector<HostIndex>& hosts() const { return hosts_; }
  [[nodiscard]] Instant last_at() const { return last_at_; }  // zero: none was lost
  // Until then the first hosts may be slower than another that has answered.
  [[nodiscard]] Instant patient_until(std::optional<Instant> first_ready_at) const;
  // Those that may still have something of this deploy, but for `cleaned`, which has cleaned up.
  // `tries_all`: also those that are not reached.
  [[nodiscard]] std::vector<HostIndex> to_clean(const DeployRun& run,
                                                std::optional<HostIndex> cleaned,
                                                bool tries_all) const;

 private:
  std::vector<HostIndex> hosts_;
  std::optional<HostIndex> last_;
  Instant last_at_{};
  uint32_t failed_attempts_ = 0;  // since then
  uint32_t count_ = 0;
};

// Why a deploy ends whose coordinator is not looked for, and what becomes of the rollout.
struct LostRollout {
  bool has_order = false;  // coordinate knows the release
  bool is_ending = false;
  bool is_attached = false;
};
[[nodiscard]] std::string text_of_lost_coordinator(std::string_view host, const HostResult& result,
                                                   const LostRollout& rollout);

// No host is left that the coordinator could be on.
[[nodiscard]] std::string text_of_no_host(const DeployRun& run, const LostCoordinators& lost);

// With --quorum: why a host that is not reached is not waited for any more; empty: it is.
[[nodiscard]] std::string reason_to_give_up(const DeployRun& run, HostIndex host,
                                            const LostCoordinators& lost, uint32_t hosts_needed);

// One command after the other on each of the hosts. Returns when they have ended.
void run_on_lost(DeployRun& run, const JobKind& kind, std::span<const std::string> commands,
                 std::span<const HostIndex> hosts);

}  // namespace murder::fleet
