// When a shard hashes what. Where a neighbour may wait for a piece: its parts as they come, side by
// side with those of others, so that little is left when it is whole. Else whole pieces, as many
// together as gain the most.
//
// Lives on the shard's thread and hashes there. It reads what is in the piece buffers and in the
// swarm's list of them, and changes nothing of either. Bounded by the number of buffers.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/codec/metainfo.h"
#include "engine/hash/sha1.h"
#include "engine/io/reactor.h"
#include "engine/node/piece_memory.h"
#include "engine/policy/hash_batching.h"
#include "engine/swarm/swarm.h"

namespace murder::node {

class PieceVerifier {
 public:
  struct Verdict {
    BufferIndex buffer;
    bool matches = false;
  };

  // All of them outlive the verifier.
  PieceVerifier(io::Reactor& reactor, swarm::Swarm& swarm, PieceMemory& memory,
                const codec::Metainfo& metainfo);

  // The buffer's piece is whole.
  void add(BufferIndex buffer);
  // No piece waits to be hashed.
  [[nodiscard]] bool is_idle() const { return waiting_.empty(); }
  // Once in a round of the turn's end: hashes what it is time for. `storing_count`: buffers that
  // are being written. Once `is_stopping`, nothing waits for company any more. The verdicts are
  // valid until the next call.
  [[nodiscard]] std::span<const Verdict> run(uint32_t storing_count, bool is_stopping);
  // No turn is asked for any more.
  void stop() { timer_.cancel(); }

 private:
  [[nodiscard]] bool is_time(uint32_t storing_count, bool is_stopping);
  [[nodiscard]] bool is_begun(BufferIndex buffer) const;
  void add_part(BufferIndex buffer);
  void hash_by_streams(std::span<const BufferIndex> buffers, std::span<Sha1Digest> digests);
  void due(io::Timer&) {}  // the end of the turn does it

  io::Reactor& reactor_;
  swarm::Swarm& swarm_;
  PieceMemory& memory_;
  const codec::Metainfo& metainfo_;
  policy::HashBatching batching_{hash::sha1_choice().lanes_min(), hash::sha1_choice().lanes_best()};
  hash::Sha1Streams streams_;      // by buffer
  std::vector<uint32_t> rounds_;   // of the buffers when their streams began
  std::vector<hash::Part> parts_;  // of this turn
  std::vector<BufferIndex> waiting_;
  std::array<Verdict, hash::lanes_max> verdicts_{};
  io::Timer timer_;  // a turn when pieces have waited long enough for others
};

}  // namespace murder::node
