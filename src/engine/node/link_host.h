// What a link needs of its shard, and all that it knows of it.
//
// One for a shard, on its thread; what it refers to outlives the links.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "engine/base/endpoint.h"
#include "engine/base/geometry.h"
#include "engine/io/reactor.h"
#include "engine/node/link_memory.h"
#include "engine/node/link_work.h"
#include "engine/node/messages.h"
#include "engine/node/piece_storage.h"
#include "engine/node/send_path.h"
#include "engine/node/store.h"
#include "engine/node/throttle.h"
#include "engine/swarm/swarm.h"
#include "engine/tls/bounds.h"
#include "engine/tls/context.h"
#include "engine/trust/swarm_keys.h"

namespace murder::node {

// What the kernel does of TLS for the links of a shard.
struct KernelTls {
  bool is_there = true;  // until it refuses
  // A key is used for that much; then the link is made anew.
  uint64_t key_bytes_max = limits::tls_rekey_bytes;
};

struct LinkHost {
  io::Reactor& reactor;
  swarm::Swarm& swarm;  // hears what came and what was sent
  Store& store;
  PieceStorage& pieces;
  LinkMemory& memory;
  LinkWork& work;  // what is to be done at the end of the turn
  io::Timer& gather_timer;
  Throttle& upload;
  Throttle& download;
  IoCounters& counters;
  HomePort home;
  SendPath send_path = SendPath::automatic;
  std::optional<IpAddress> source;           // connections leave from this address
  const trust::SwarmKeys* closed = nullptr;  // peers prove one of them; nullptr: an open swarm
  const tls::Context* encryption = nullptr;  // links have TLS; of a closed swarm only
  KernelTls* kernel_tls = nullptr;           // takes connections over; nullptr: is not asked to

  [[nodiscard]] Instant now() const { return reactor.now(); }
  [[nodiscard]] uint64_t release_offset(const BlockRange& block) const {
    return store.metainfo().geometry.piece_offset(block.piece) + block.offset;
  }
  // Of unsent small messages of one link: all that a neighbour is told of the pieces, and a margin.
  [[nodiscard]] uint64_t control_bytes_max() const {
    constexpr uint64_t have_bytes = 9;
    constexpr uint64_t margin_bytes = uint64_t{64} * 1024;
    return std::min<uint64_t>(
        limits::control_queue_bytes_max,
        margin_bytes + store.metainfo().geometry.piece_count() * (have_bytes + 1));
  }
  // The release cannot be read any more.
  void read_failed(int error_number) const { home.post(to_home::ReadFailed{error_number}); }
  // Bytes gather at the socket of a link: they are looked for after a while.
  void gathers() const {
    if (!gather_timer.armed()) {
      gather_timer.arm(now() + gather_wait_max);
    }
  }

  // Bytes that gather at a socket longer than this are taken, whether more comes or not.
  static constexpr Duration gather_wait_max = std::chrono::milliseconds(5);
};

}  // namespace murder::node
