// The network between hosts: takes what they gave it in a window, in the order of time, and plays
// their flows up to the window's end. Nothing that comes of it reaches a host within the window.
// Runs between windows, on one thread.
#pragma once

#include <utility>
#include <vector>

#include "engine/sim/clock.h"
#include "engine/sim/fleet.h"
#include "engine/sim/flow_network.h"
#include "engine/sim/options.h"
#include "engine/sim/post.h"
#include "engine/sim/transfers.h"

namespace murder::sim {

class Wires {
 public:
  // Makes the links of racks and hosts. What it is given outlives it.
  Wires(const Options& options, const Clock& clock, Fleet& fleet, Sides& sides);

  // When the next block has left.
  [[nodiscard]] Instant next_at() const { return network_.next_completion(); }
  void run(Post& post);

  // visit(side) for each connection of the host on which payload arrives now.
  template <typename Visit>
  void each_arriving(const Host& host, Visit&& visit) const {
    network_.each_on(host.link_down, [&](uint32_t sender, uint32_t) {
      const Side& side = sides_.at(other_side(sender));
      if (side.state == Side::State::open) {
        visit(side);
      }
    });
  }

  [[nodiscard]] const FlowNetwork& network() const { return network_; }
  [[nodiscard]] uint64_t block_count() const { return block_count_; }  // that have left

 private:
  void make_links(Host& host);
  void collect_orders();
  void take_order(const WireOrder& order, Post& post);
  void start_flow(SideIndex side_index, Instant now, Post& post);
  [[nodiscard]] uint64_t next_block(SideIndex side_index, Instant now, Post& post);
  void block_left(SideIndex side_index, Instant now, Post& post);
  void cut(Side& side, Instant now);
  [[nodiscard]] Instant arrival(Side& from, Instant now);

  const Options& options_;
  const Clock& clock_;
  Fleet& fleet_;
  Sides& sides_;
  FlowNetwork network_;
  std::vector<uint32_t> rack_up_;  // links
  std::vector<uint32_t> rack_down_;
  std::vector<WireOrder> orders_;                             // of this window
  std::vector<std::pair<Instant, uint32_t>> orders_by_time_;  // places in `orders_`
  uint64_t block_count_ = 0;
};

}  // namespace murder::sim
