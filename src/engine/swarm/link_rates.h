// What links do: this host's, what neighbours say of theirs, and what each session brought lately.
// Owned by the swarm. Nothing allocates after construction.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/policy/link_estimate.h"
#include "engine/swarm/context.h"

namespace murder::swarm {

class LinkRates {
 public:
  static constexpr Duration ending_patience_max = std::chrono::seconds(30);

  explicit LinkRates(Context& context);

  [[nodiscard]] const policy::LinkEstimate& link() const { return link_; }
  // Our link is much slower than those of our neighbours: we upload to those to whom nobody else
  // does.
  [[nodiscard]] bool own_link_is_slow() const { return own_link_is_slow_; }
  [[nodiscard]] bool is_slow(const Session& session) const;
  // How long the end of a piece may take of one that never said that it has one of ours.
  [[nodiscard]] Duration ending_patience(const Session& session) const;

  // A question and its answer took this long.
  void round_trip(Duration took) { link_.round_trip(took); }
  // A piece came or was sent. True when a window ended: compare() is due, and slots may change.
  [[nodiscard]] bool piece_moved(Instant now);
  // Looks anew at what neighbours say of their links.
  void compare();
  // To be called at each tick: what sessions brought since the last one.
  void update(Instant now);

  // Which rule that must hold does not; empty when all do.
  [[nodiscard]] std::string_view check() const;

 private:
  const SwarmConfig& config_;
  const SwarmStats& stats_;
  SessionTable& sessions_;

  policy::LinkEstimate link_;
  std::vector<uint32_t> told_rates_;  // of neighbours, reused
  double usual_rate_ = 0;             // KiB/s: the median of what neighbours say of their links
  bool own_link_is_slow_ = false;
  Instant updated_at_{};
};

}  // namespace murder::swarm
