// The parts of a simulated connection, and what is under way on it. Owned by one simulation.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/fetch.h"
#include "engine/base/instant.h"
#include "engine/base/ring_queue.h"
#include "engine/base/types.h"
#include "engine/codec/peer_wire.h"
#include "engine/sim/event.h"
#include "engine/sim/flow_network.h"
#include "engine/swarm/bounds.h"
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

  // --- its host's ---
  State state = State::connecting;
  bool place_is_wanted = false;  // of the payload that comes in
  uint32_t host = 0;
  uint32_t peer = 0;  // the host at the other end
  swarm::SessionId session;
  uint32_t arriving_bytes = 0;
  uint32_t ordered_in = 0;  // the window in which it last gave the wires an order
  // Where the processor fetches from ahead of time; no session: it is not open.
  const swarm::Swarm* swarm = nullptr;
  const swarm::Session* state_of_session = nullptr;

  // --- the wires' ---
  bool finished = false;    // its swarm has been told that it is closed
  bool is_cut_off = false;  // the other end went silent: nothing is taken from it any more
  uint32_t flow = FlowNetwork::none;  // of the block that it sends now
  Instant last_arrival{};             // at the other end: nothing overtakes
  BlockRange sending;
  RingQueue<BlockRange> blocks{limits::send_window_blocks};  // to be sent after that one
};

// All sides, where they stay. Several threads may make connections at a time.
class Sides {
 public:
  [[nodiscard]] Side& at(SideIndex side) { return chunks_[side / chunk_sides][side % chunk_sides]; }
  [[nodiscard]] const Side& at(SideIndex side) const {
    return chunks_[side / chunk_sides][side % chunk_sides];
  }

  // Adds new connections' first sides to the list.
  void make_more(std::vector<SideIndex>& list) {
    const uint32_t chunk = chunk_count_.fetch_add(1);
    ENSURE(chunk < chunks_max);
    chunks_[chunk] = std::make_unique<Side[]>(chunk_sides);
    for (uint32_t side = chunk_sides; side > 0; side -= 2) {
      list.push_back(chunk * chunk_sides + side - 2);
    }
  }

 private:
  static constexpr uint32_t chunk_sides = 512;
  static constexpr uint32_t chunks_max = 1 << 17;

  std::vector<std::unique_ptr<Side[]>> chunks_ = std::vector<std::unique_ptr<Side[]>>(chunks_max);
  std::atomic<uint32_t> chunk_count_ = 0;
};

// A message with its payload.
struct Parcel {
  codec::PeerMessage message;
  std::vector<uint8_t> payload;
};

// What a host gives the network to do, at a time.
struct WireOrder {
  enum class Kind : uint8_t {
    block,    // to be sent
    say,      // the event is for the other end, after what was said and sent before
    cut,      // nothing more is sent
    cut_off,  // as cut, and whatever is said from now on is lost
  };
  Instant when;
  SideIndex side;
  Kind kind = Kind::block;
  BlockRange block;
  Event event;
};

}  // namespace murder::sim
