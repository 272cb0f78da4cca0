// One core's part of a release: its connections, the pieces it fetches, its piece buffers. The one
// place where the swarm meets the ring.
//
// Everything here lives on one thread, that of its reactor. It hears of other shards by deliver()
// and tells the home thread through its outbox. Memory is taken when it is made: piece buffers,
// send chunks, one link per session slot on first use. Ends: deliver(stop), then `stopped` in the
// outbox, then the destructor. Between the last two nothing is started any more.
//
// Work that effects ask for is done at the end of the turn, in this order until nothing is left:
// end links, hash, store, answer disarms, free closed links, send, receive.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/bit_set.h"
#include "engine/base/bounds.h"
#include "engine/base/endpoint.h"
#include "engine/hash/piece_streams.h"
#include "engine/hash/sha1_choice.h"
#include "engine/io/aligned_arena.h"
#include "engine/io/reactor.h"
#include "engine/node/messages.h"
#include "engine/node/peer_link.h"
#include "engine/node/piece_memory.h"
#include "engine/node/send_path.h"
#include "engine/node/store.h"
#include "engine/node/store_transfer.h"
#include "engine/node/throttle.h"
#include "engine/policy/hash_batching.h"
#include "engine/swarm/swarm.h"

namespace murder::node {

struct ShardOptions {
  ShardIndex index;
  swarm::SwarmConfig swarm;  // piece_buffers is set from memory_bytes
  uint64_t memory_bytes = limits::memory_bytes_default;
  std::optional<IpAddress> source;  // connections leave from this address
  uint64_t seed = 1;                // of the shard's randomness
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
  ~Shard();

  // Starts to accept and to tick. On the shard's thread, or before its reactor runs.
  void start();
  void deliver(const ShardMessage& message);

  // --- for links ---
  [[nodiscard]] io::Reactor& reactor() { return reactor_; }
  [[nodiscard]] swarm::Swarm& swarm() { return swarm_; }
  [[nodiscard]] const swarm::Swarm& swarm() const { return swarm_; }
  [[nodiscard]] Store& store() { return store_; }
  [[nodiscard]] const Geometry& geometry() const { return metainfo_.geometry; }
  [[nodiscard]] PieceMemory& pieces() { return *pieces_; }
  // Of unsent small messages of one link: all that a neighbour is told of the pieces, and a margin.
  [[nodiscard]] uint64_t control_bytes_max() const {
    constexpr uint64_t have_bytes = 9;
    constexpr uint64_t margin_bytes = uint64_t{64} * 1024;
    return std::min<uint64_t>(limits::control_queue_bytes_max,
                              margin_bytes + geometry().piece_count() * (have_bytes + 1));
  }
  [[nodiscard]] SendPath send_path() const { return options_.send_path; }
  [[nodiscard]] std::span<uint8_t> scratch() { return scratch_->bytes(); }  // to copy a recv out
  [[nodiscard]] std::span<uint8_t> waste() { return waste_->bytes(); }      // bytes nobody reads
  // UINT32_MAX: none is free; the link is flushed again when one is.
  [[nodiscard]] uint32_t take_chunk(PeerLink& link);
  [[nodiscard]] std::span<uint8_t> chunk(uint32_t index) { return chunks_.chunk(index); }
  [[nodiscard]] uint32_t chunk_bytes() const { return chunks_.chunk_bytes(); }
  void give_chunk_back(uint32_t index);
  [[nodiscard]] uint64_t release_offset(const BlockRange& block) const {
    return geometry().piece_offset(block.piece) + block.offset;
  }
  // Whether the piece can be read from the store, wherever else it lies.
  [[nodiscard]] bool is_on_disk(PieceIndex piece) const;
  void read_failed(int error_number);
  [[nodiscard]] Throttle& upload() { return upload_; }
  [[nodiscard]] Throttle& download() { return download_; }
  [[nodiscard]] IoCounters& counters() { return counters_; }

  void wants_flush(PeerLink& link) { enlist(flush_list_, link, listed_flush); }
  void wants_arm(PeerLink& link) { enlist(arm_list_, link, listed_arm); }
  // Bytes gather at the socket of a link.
  void gathers();
  void wants_disarm(PeerLink& link) { enlist(disarm_list_, link, listed_disarm); }
  void wants_end(PeerLink& link, swarm::CloseReason reason);
  void link_settled(PeerLink& link) { enlist(settled_list_, link, listed_settled); }

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
  enum : uint32_t {
    listed_flush = 1,
    listed_arm = 2,
    listed_disarm = 4,
    listed_settled = 8,
    listed_end = 16,
    listed_chunk = 32,
    listed_upload = 64,
    listed_download = 128,
  };
  struct LinkEnd {
    PeerLink* link;
    swarm::SessionId session;
    swarm::CloseReason reason;
  };

  Shard(io::Reactor& reactor, const ShardOptions& options, const codec::Metainfo& metainfo,
        Store store, const BitSet& have, io::Fd listener, ShardOutbox& outbox);
  [[nodiscard]] Status allocate(const BitSet& have);
  PeerLink& link(swarm::SessionId session);
  void post(ShardMessage::Kind kind, PieceIndex piece = {}, int error_number = 0);

  static void enlist(std::vector<PeerLink*>& list, PeerLink& link, uint32_t flag);
  template <typename Visit>
  bool drain(std::vector<PeerLink*>& list, uint32_t flag, Visit&& visit);

  void accepted(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void accept_again(io::Timer& timer);
  void tick(io::Timer& timer);
  void gather_due(io::Timer& timer);
  void hash_due(io::Timer&) {}  // the end of the turn does it
  void post_stats();
  void take_memory_back(Instant now);
  void trim_heap(Instant now);
  void turn_ended(io::TurnHook& hook);
  bool do_waiting_work();
  bool end_links();
  [[nodiscard]] bool is_time_to_hash();
  [[nodiscard]] bool is_hashed_in_part(BufferIndex buffer) const;
  void add_stream_part(BufferIndex buffer);
  void hash_by_streams(std::span<const BufferIndex> waiting, std::span<Sha1Digest> digests);
  bool hash_pieces();
  bool start_stores();
  void leave_place(BufferIndex buffer);
  bool leave_held_places();
  void stored(StoreTransfer& transfer, int error_number);
  void check_stopped();

  io::Reactor& reactor_;
  ShardOptions options_;
  const codec::Metainfo& metainfo_;
  ShardOutbox& outbox_;
  Store store_;
  io::Fd listener_;
  swarm::Swarm swarm_;
  policy::HashBatching batching_{hash::sha1_choice().lanes_min(), hash::sha1_choice().lanes_best()};
  hash::PieceStreams streams_;                          // by buffer
  std::vector<uint32_t> stream_rounds_;                 // of the buffers when their streams began
  std::vector<hash::PieceStreams::Part> stream_parts_;  // of this turn

  std::optional<PieceMemory> pieces_;
  std::unique_ptr<io::AlignedArena> chunk_memory_;
  std::unique_ptr<io::AlignedArena> scratch_;
  std::unique_ptr<io::AlignedArena> waste_;
  io::ChunkPool chunks_{{}, 4096};
  Throttle upload_;
  Throttle download_;
  IoCounters counters_;

  std::vector<std::unique_ptr<PeerLink>> links_;  // by session slot
  std::vector<PeerLink*> flush_list_;
  std::vector<PeerLink*> arm_list_;
  std::vector<PeerLink*> disarm_list_;
  std::vector<PeerLink*> settled_list_;
  std::vector<PeerLink*> chunk_list_;
  std::vector<PeerLink*> draining_list_;
  std::vector<LinkEnd> end_list_;
  std::vector<BufferIndex> verify_list_;
  std::vector<BufferIndex> store_list_;
  std::vector<BufferIndex> held_list_;  // stored, in places that are being sent
  uint32_t storing_count_ = 0;
  uint32_t closed_since_trim_ = 0;  // connections
  Instant trimmed_at_{};
  std::vector<std::unique_ptr<StoreTransfer>> stores_;  // by buffer

  io::Operation accept_;
  io::Timer accept_timer_;
  io::Timer tick_timer_;
  io::Timer gather_timer_;  // while bytes gather at a link's socket
  io::Timer hash_timer_;    // a turn when pieces have waited long enough for others
  io::TurnHook turn_hook_;
  bool stopping_ = false;
  bool stopped_told_ = false;
};

}  // namespace murder::node
