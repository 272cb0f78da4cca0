// The racks of one swarm: their names, and who stands in each, so that rack mates are found without
// looking at others. Pure. A rack is there as long as it has a member. Bounded by
// limits::tracker_racks_max and limits::tracker_rack_members_max; who finds no room has no rack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tracker/bounds.h"
#include "tracker/flat_index.h"

namespace murder::tracker {

using RackNumber = uint16_t;
inline constexpr RackNumber no_rack = 0;

class RackRegister {
 public:
  explicit RackRegister(uint64_t hash_seed) : hash_seed_(hash_seed) {}

  // Where a member stands: its rack and its position there. It changes when others leave.
  struct Seat {
    RackNumber rack = no_rack;
    uint16_t position = 0;
  };

  // Adds a member, which is the owner's reference; an empty name is not a rack.
  [[nodiscard]] Seat join(std::string_view name, uint32_t reference);
  // The member that has the seat of the one that left now; FlatIndex::none when nobody has moved.
  [[nodiscard]] uint32_t leave(Seat seat);
  // The member of this seat is known by another reference now.
  void rename(Seat seat, uint32_t reference);

  [[nodiscard]] std::string_view name(RackNumber rack) const { return racks_[rack].name; }
  [[nodiscard]] std::span<const uint32_t> members(RackNumber rack) const {
    return racks_[rack].members;
  }
  [[nodiscard]] uint32_t rack_count() const { return index_.size(); }
  // Rack numbers are below this.
  [[nodiscard]] uint32_t number_bound() const { return static_cast<uint32_t>(racks_.size()); }
  [[nodiscard]] size_t memory_bytes() const;

 private:
  struct Rack {
    std::string name;
    std::vector<uint32_t> members;
  };

  [[nodiscard]] uint32_t hash_of(std::string_view name) const;
  [[nodiscard]] RackNumber find_or_make(std::string_view name);

  uint64_t hash_seed_;
  std::vector<Rack> racks_{1};  // [no_rack] stays empty
  std::vector<RackNumber> free_;
  FlatIndex index_;
};

}  // namespace murder::tracker
