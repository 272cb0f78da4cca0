// Links and what flows over them, without packets: each flow goes at its max-min fair rate, as TCP
// connections of a fleet roughly do.
//
// Every link has a level: the rate it gives to a flow that is not held back elsewhere. A flow goes
// at the lowest level on its way. When a flow comes or goes, the levels of its links are computed
// anew, then those of the links that share a flow whose rate changed, and so on until changes are
// below `precision`; with precision 0 the result is max-min fair exactly. Single-threaded, owned by
// one simulation; memory grows to the flows that were ever there at once.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/instant.h"

namespace murder::sim {

class FlowNetwork {
 public:
  static constexpr uint32_t links_max = 4;  // of one flow
  static constexpr uint32_t none = UINT32_MAX;

  // `precision`: changes of a level by less than this share are not passed on.
  explicit FlowNetwork(double precision) : precision_(precision) {}

  // Bytes a second. Returns the link's number.
  uint32_t add_link(double bytes_per_second);

  // Starts a flow of that many bytes (at least one) over at most links_max links. `user` is the
  // caller's name for it. Returns the flow's number.
  uint32_t start(std::span<const uint32_t> links, uint64_t size_bytes, uint32_t user, Instant now);

  [[nodiscard]] Instant next_completion() const {
    return heap_.empty() ? instant_never : flows_[heap_[0]].ends_at;
  }
  // The flow that is due next; there must be one. It is to be ended or continued at that time.
  [[nodiscard]] uint32_t completed() const {
    ENSURE(!heap_.empty());
    return heap_.front();
  }
  void end(uint32_t flow, Instant now);
  // That many more bytes go the same way: the rates of others do not change.
  void prolong(uint32_t flow_number, uint64_t size_bytes, Instant now);

  [[nodiscard]] uint32_t user(uint32_t flow) const { return flows_[flow].user; }
  [[nodiscard]] double rate(uint32_t flow) const { return flows_[flow].rate; }
  [[nodiscard]] double left_bytes(uint32_t flow_number, Instant now) const;
  [[nodiscard]] uint32_t flow_count() const { return static_cast<uint32_t>(heap_.size()); }

  // visit(user, flow) for each flow on the link.
  template <typename Visit>
  void each_on(uint32_t link, Visit&& visit) const {
    for (const OnLink& one : links_[link].flows) {
      visit(flows_[one.flow].user, one.flow);
    }
  }

  // Chains of changes that were cut off because they grew too long.
  [[nodiscard]] uint64_t cut_count() const { return cut_count_; }

 private:
  struct OnLink {
    uint32_t flow;
    uint32_t hop;  // which of the flow's links this is
  };
  struct Link {
    double capacity = 0;
    double level = 0;
    bool dirty = false;
    std::vector<OnLink> flows;
  };
  struct Flow {
    double left_bytes = 0;  // at updated_at
    double rate = 0;
    Instant updated_at{};
    Instant ends_at{};
    uint32_t user = 0;
    uint32_t heap_position = none;
    uint32_t link_count = 0;
    std::array<uint32_t, links_max> links{};
    std::array<uint32_t, links_max> positions{};  // in each link's list
  };

  void mark_dirty(uint32_t link);
  void settle(Instant now);
  [[nodiscard]] double level_of(uint32_t link_number);
  [[nodiscard]] double lowest_level(const Flow& flow, uint32_t besides) const;
  void pass_on(uint32_t link_number, double before, Instant now);
  void set_rate(uint32_t flow_number, double rate, Instant now);
  void take_off(uint32_t flow_number);
  void remove(uint32_t flow_number);

  [[nodiscard]] bool is_sooner(uint32_t left, uint32_t right) const {
    return flows_[left].ends_at != flows_[right].ends_at
               ? flows_[left].ends_at < flows_[right].ends_at
               : left < right;
  }
  void place(uint32_t position, uint32_t flow) {
    heap_[position] = flow;
    flows_[flow].heap_position = position;
  }
  void sift_up(uint32_t position);
  void sift_down(uint32_t position);
  void resort(uint32_t flow);

  double precision_;
  std::vector<Link> links_;
  std::vector<Flow> flows_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> heap_;   // flows, soonest end first; four children each
  std::vector<uint32_t> dirty_;  // links to compute anew, in the order they were found
  std::vector<double> elsewhere_;
  uint64_t cut_count_ = 0;
};

}  // namespace murder::sim
