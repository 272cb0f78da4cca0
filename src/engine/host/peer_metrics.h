// The metrics of `murder seed` and `murder peer` as text. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/geometry.h"
#include "engine/base/instant.h"
#include "engine/node/node.h"

namespace murder::host {

// What a process does, as `murder status` calls it, and how it ended.
inline constexpr std::array<std::string_view, 10> peer_states = {
    "starting", "verifying", "downloading", "unpacking", "copying",
    "syncing",  "seeding",   "stopping",    "done",      "failed"};

// How long a process was in each state.
class StageClock {
 public:
  // The process is in this state now. May be called as often as one likes.
  void enter(std::string_view state, Instant now);

  [[nodiscard]] Duration spent_in(std::string_view state) const;
  [[nodiscard]] std::string_view state() const { return peer_states[state_]; }

 private:
  [[nodiscard]] static size_t number_of(std::string_view state);

  std::array<Duration, peer_states.size()> spent_{};
  size_t state_ = 0;
  bool has_begun_ = false;
  Instant since_{};
};

struct PeerMetrics {
  std::string_view role;  // kind_seeder, kind_peer
  std::string_view tag;
  std::string info_hash;
  const StageClock& stages;
  std::string_view failure;  // the code of the error that ended it; empty: none did
  node::NodeProgress progress;
  Geometry geometry;
  uint32_t tracker_count = 0;  // that it announces to
  int64_t started_at_s = 0;    // since 1970
  int64_t written_at_s = 0;
};

[[nodiscard]] std::string render_peer_metrics(const PeerMetrics& metrics);

}  // namespace murder::host
