#include "tracker/rack_register.h"

#include "engine/base/ensure.h"
#include "tracker/bounds.h"

namespace murder::tracker {

static_assert(limits::tracker_racks_max < UINT16_MAX);
static_assert(limits::tracker_rack_members_max < UINT16_MAX);

// FNV-1a with a seed, and its upper half, where it mixes best.
uint32_t RackRegister::hash_of(std::string_view name) const {
  uint64_t hash = 0xCBF29CE484222325U ^ hash_seed_;
  for (const char character : name) {
    hash = (hash ^ static_cast<uint8_t>(character)) * 0x100000001B3U;
  }
  return static_cast<uint32_t>(hash >> 32U);
}

size_t RackRegister::memory_bytes() const {
  size_t bytes = racks_.capacity() * sizeof(Rack) + free_.capacity() * sizeof(RackNumber) +
                 index_.memory_bytes();
  for (const Rack& rack : racks_) {
    bytes += rack.members.capacity() * sizeof(uint32_t);
  }
  return bytes;
}

RackNumber RackRegister::find_or_make(std::string_view name) {
  const uint32_t hash = hash_of(name);
  const uint32_t found =
      index_.find(hash, [&](uint32_t number) { return racks_[number].name == name; });
  if (found != FlatIndex::none) {
    return static_cast<RackNumber>(found);
  }
  if (index_.size() >= limits::tracker_racks_max) {
    return no_rack;
  }
  if (free_.empty()) {
    free_.push_back(static_cast<RackNumber>(racks_.size()));
    racks_.emplace_back();
  }
  const RackNumber number = free_.back();
  free_.pop_back();
  racks_[number].name = name;
  index_.insert(hash, number);
  return number;
}

RackRegister::Seat RackRegister::join(std::string_view name, uint32_t reference) {
  const RackNumber number = name.empty() ? no_rack : find_or_make(name);
  if (number == no_rack || racks_[number].members.size() >= limits::tracker_rack_members_max) {
    return {};
  }
  std::vector<uint32_t>& members = racks_[number].members;
  members.push_back(reference);
  return {.rack = number, .position = static_cast<uint16_t>(members.size() - 1)};
}

uint32_t RackRegister::leave(Seat seat) {
  if (seat.rack == no_rack) {
    return FlatIndex::none;
  }
  Rack& rack = racks_[seat.rack];
  ENSURE(seat.position < rack.members.size());
  const uint32_t last = rack.members.back();
  rack.members.pop_back();
  if (seat.position < rack.members.size()) {
    rack.members[seat.position] = last;
    return last;
  }
  if (rack.members.empty()) {
    index_.erase(hash_of(rack.name), seat.rack);
    rack = Rack{};
    free_.push_back(seat.rack);
  }
  return FlatIndex::none;
}

void RackRegister::rename(Seat seat, uint32_t reference) {
  if (seat.rack != no_rack) {
    racks_[seat.rack].members[seat.position] = reference;
  }
}

}  // namespace murder::tracker
