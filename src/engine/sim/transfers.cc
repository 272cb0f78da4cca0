#include "engine/sim/transfers.h"

namespace murder::sim {

uint32_t ParcelPool::take() {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(parcels_.size()));
    parcels_.emplace_back();
  }
  const uint32_t index = free_.back();
  free_.pop_back();
  parcels_[index].number = ++count_;
  parcels_[index].payload.clear();
  parcels_[index].receivers.clear();
  return index;
}

void ParcelPool::give_back(uint32_t index) {
  free_.push_back(index);
}

}  // namespace murder::sim
