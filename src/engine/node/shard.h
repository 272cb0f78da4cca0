// One core's part of a release: its connections, the pieces it fetches, its piece buffers. The one
// place where the swarm meets the ring.
//
// It puts its parts together and carries out what the swarm wants done: the Acceptor takes
// connections, a PeerLink for each session carries them, the PieceVerifier hashes, PieceStorage
// writes. They hear of each other through the swarm alone.
//
// Everything here lives on one thread, that of its reactor. It hears of other shards by deliver()
// and tells the home thread through its outbox. Memory is taken when it is made: piece buffers,
// send chunks, one link per session slot on first use. Ends: deliver(stop), then `stopped` in the
// outbox, then the destructor. Between the last two nothing is started any more.
//
// Work that effects ask for is done at the end of the turn, in this order until nothing is left:
// end links, hash, store, answer disarms, free closed links, send, receive.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/bit_set.h"
#include "engine/base/bounds.h"
#include "engine/base/endpoint.h"
#include "engine/io/reactor.h"
#include "engine/node/acceptor.h"
#include "engine/node/link_host.h"
#include "engine/node/link_memory.h"
#include "engine/node/link_work.h"
#include "engine/node/messages.h"
#include "engine/node/peer_link.h"
#include "engine/node/piece_memory.h"
#include "engine/node/piece_storage.h"
#include "engine/node/piece_verifier.h"
#include "engine/node/send_path.h"
#include "engine/node/store.h"
#include "engine/node/throttle.h"
#include "engine/swarm/swarm.h"
#include "engine/tls/context.h"
#include "engine/trust/swarm_keys.h"

namespace murder::node {

struct ShardOptions {
  ShardIndex index;
  swarm::SwarmConfig swarm;  // piece_buffers is set from memory_bytes
  uint64_t memory_bytes = limits::memory_bytes_default;
  std::optional<IpAddress> source;         // connections leave from this address
  std::optional<trust::SwarmKeys> closed;  // peers prove one of them; nothing: an open swarm
  bool is_encrypted = false;               // by TLS; of a closed swarm only
  uint64_t rekey_bytes = limits::tls_rekey_bytes;
  uint64_t seed = 1;  // of the shard's randomness
  SendPath send_path = SendPath::automatic;
  uint64_t upload_limit = 0;    // bytes a second; 0: none
  uint64_t download_limit = 0;  // the same
};

class Shard final : public swarm::EffectSink {
 public:
  // `listener` is taken over. `metainfo` and `outbox` outlive the shard.
  [[nodiscard]] static Result<std::unique_ptr<Shard>> create(io::Reactor& reactor,
                                                             const ShardOptions& options,
                                                             const codec::Metainfo& metainfo,
                                                             Store store, const BitSet& have,
                                                             io::Fd listener, ShardOutbox& outbox);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard() = default;

  // Starts to accept and to tick. On the shard's thread, or before its reactor runs.
  void start();
  void deliver(const FromHome& message);
  [[nodiscard]] const swarm::Swarm& swarm() const { return swarm_; }

  // --- EffectSink ---
  void dial(swarm::SessionId session, const Endpoint& endpoint) override;
  void send_handshake(swarm::SessionId session, const codec::Handshake& handshake) override;
  void send(swarm::SessionId session, const codec::PeerMessage& message) override;
  void send_block(swarm::SessionId session, const BlockRange& block) override;
  void disarm(swarm::SessionId session) override;
  void close(swarm::SessionId session, swarm::CloseReason reason) override;
  void verify(BufferIndex buffer, PieceIndex piece) override;
  void store(BufferIndex buffer, PieceIndex piece) override;
  void request_lease(PieceIndex piece) override;
  void return_lease(PieceIndex piece) override;
  void lease_fulfilled(PieceIndex piece) override;
  void completed() override;

 private:
  Shard(io::Reactor& reactor, const ShardOptions& options, const codec::Metainfo& metainfo,
        Store store, const BitSet& have, io::Fd listener, ShardOutbox& outbox,
        PieceMemory piece_memory, LinkMemory::Arenas link_arenas,
        std::unique_ptr<tls::Context> encryption);
  PeerLink& link(swarm::SessionId session);

  void on(const from_home::LeaseAnswer& message);
  void on(const from_home::LeaseFreed& message);
  void on(const from_home::StoredElsewhere& message);
  void on(const from_home::Candidate& message);
  void on(const from_home::RackTold& message);
  void on(const from_home::Stop& message);

  void accepted(io::Fd socket, const Endpoint& remote);
  void tick(io::Timer& timer);
  void gather_due(io::Timer& timer);
  void post_stats();
  void take_memory_back(Instant now);
  void end_unproven(Instant now);
  void trim_heap(Instant now);
  void turn_ended(io::TurnHook& hook);
  bool do_waiting_work();
  bool verify_pieces();
  bool free_settled_links();
  void check_stopped();

  io::Reactor& reactor_;
  HomePort home_;
  std::optional<trust::SwarmKeys> closed_;
  std::unique_ptr<tls::Context> encryption_;  // of links
  KernelTls kernel_tls_;
  Store store_;
  swarm::Swarm swarm_;
  PieceStorage storage_;
  PieceVerifier verifier_;

  LinkWork work_;
  LinkMemory link_memory_;
  Throttle upload_;
  Throttle download_;
  IoCounters counters_;
  io::Timer gather_timer_;  // while bytes gather at a link's socket
  LinkHost link_host_;
  std::vector<std::unique_ptr<PeerLink>> links_;  // by session slot
  uint32_t closed_since_trim_ = 0;                // connections
  Instant trimmed_at_{};

  Acceptor acceptor_;
  io::Timer tick_timer_;
  io::TurnHook turn_hook_;
  bool stopping_ = false;
  bool stopped_told_ = false;
};

}  // namespace murder::node
