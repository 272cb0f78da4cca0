// The parts of a simulated connection, and what is under way on it. Owned by
// one simulation.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/fetch.h"
#include "engine/base/instant.h"
#include "engine/base/ring_queue.h"
#include "engine/base/types.h"
#include "engine/codec/peer_wire.h"
#include "engine/sim/flow_network.h"
#include "engine/swarm/swarm.h"

namespace murder::sim {

// A side of a connection: two neighbouring numbers are the two ends of one.
using SideIndex = uint32_t;
inline constexpr SideIndex no_side = UINT32_MAX;
[[nodiscard]] constexpr SideIndex other_side(SideIndex side) {
  return side ^ 1U;
}

struct alignas(cache_line_bytes) Side {
  enum class State : uint8_t { connecting, open, closed };

  State state = State::connecting;
  bool finished = false;         // its swarm has been told that it is closed
  bool place_is_wanted = false;  // of the payload that comes in
  bool is_cut_off = false;       // the other end went silent: nothing is taken from it any more
  uint32_t host = 0;
  swarm::SessionId session;
  // Where the processor fetches from ahead of time; no session: it is not open.
  const swarm::Swarm* swarm = nullptr;
  const swarm::Session* state_of_session = nullptr;
  uint32_t flow = FlowNetwork::none;  // of the block that it sends now
  Instant last_arrival{};             // at the other end: nothing overtakes
  uint64_t last_parcel = 0;           // number of the last parcel it was a receiver of
  BlockRange sending;
  uint32_t arriving_bytes = 0;
  RingQueue<BlockRange> blocks{limits::send_window_blocks};  // to be sent after that one
};

// A message under way to one or several receivers, where it arrives at the same
// time.
struct Parcel {
  codec::PeerMessage message;
  std::vector<uint8_t> payload;  // of a bitfield or an extended message
  std::vector<SideIndex> receivers;
  uint64_t number = 0;
};

// Parcels are used again with the memory they have.
class ParcelPool {
 public:
  uint32_t take();
  void give_back(uint32_t index);
  [[nodiscard]] Parcel& at(uint32_t index) { return parcels_[index]; }
  // A number above that of every parcel so far.
  [[nodiscard]] uint64_t next_number() { return ++count_; }

 private:
  std::vector<Parcel> parcels_;
  std::vector<uint32_t> free_;
  uint64_t count_ = 0;
};

}  // namespace murder::sim
