#include "engine/node/piece_verifier.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::node {

using swarm::ActivePiece;

PieceVerifier::PieceVerifier(io::Reactor& reactor, swarm::Swarm& swarm, PieceMemory& memory,
                             const codec::Metainfo& metainfo)
    : reactor_(reactor),
      swarm_(swarm),
      memory_(memory),
      metainfo_(metainfo),
      streams_(swarm.active().buffer_count(), hash::sha1_choice()),
      rounds_(swarm.active().buffer_count()),
      timer_(reactor.timers(), callback<&PieceVerifier::due>(this)) {
  parts_.reserve(swarm.active().buffer_count());
}

void PieceVerifier::add(BufferIndex buffer) {
  ENSURE(swarm_.active().at(buffer).state == ActivePiece::State::verifying);
  waiting_.push_back(buffer);
  batching_.piece_waits(swarm_.has_waiting_neighbour(), reactor_.now());
}

bool PieceVerifier::is_time(uint32_t storing_count, bool is_stopping) {
  if (waiting_.empty()) {
    return false;
  }
  const swarm::ActivePieces& active = swarm_.active();
  const auto waiting = static_cast<uint32_t>(waiting_.size());
  const uint32_t idle = active.idle_count();
  ENSURE(waiting + storing_count + idle <= active.buffer_count());
  const Instant now = reactor_.now();
  const bool is_any_begun = std::any_of(waiting_.begin(), waiting_.end(),
                                        [&](BufferIndex buffer) { return is_begun(buffer); });
  const Instant at =
      batching_.hash_at({.waiting = waiting,
                         .receiving = active.buffer_count() - idle - waiting - storing_count,
                         .missing = swarm_.wanted_count(),
                         .storing = storing_count,
                         .idle_buffers = idle,
                         .buffers = active.buffer_count()},
                        now);
  if (!is_any_begun && !is_stopping && at > now) {
    timer_.arm(at);
    return false;
  }
  timer_.cancel();
  batching_.hashed();
  return true;
}

bool PieceVerifier::is_begun(BufferIndex buffer) const {
  return rounds_[buffer.raw] == swarm_.active().at(buffer).round &&
         streams_.hashed_bytes(buffer.raw) > 0;
}

void PieceVerifier::add_part(BufferIndex buffer) {
  const ActivePiece& active = swarm_.active().at(buffer);
  if (rounds_[buffer.raw] != active.round) {
    rounds_[buffer.raw] = active.round;
    streams_.restart(buffer.raw);
  }
  const uint32_t bytes = active.front_bytes();
  const bool is_whole = active.state == ActivePiece::State::verifying;
  const uint64_t hashed_bytes = streams_.hashed_bytes(buffer.raw);
  ENSURE(bytes >= hashed_bytes);
  if (is_whole || bytes >= hashed_bytes + hash::Sha1Streams::shared_bytes_min) {
    parts_.push_back({buffer.raw,
                      {memory_.at(buffer, 0) + hashed_bytes, bytes - hashed_bytes},
                      is_whole ? hash::Extent::message_end : hash::Extent::shared});
  }
}

// The digests of what waits, by streams, in company of pieces that are not whole yet. With nothing
// that waits those go on by themselves.
void PieceVerifier::hash_by_streams(std::span<const BufferIndex> buffers,
                                    std::span<Sha1Digest> digests) {
  parts_.clear();
  for (const BufferIndex buffer : buffers) {
    add_part(buffer);
  }
  // What nobody awaits is hashed when there is more of it, and smaller pieces when they are whole.
  if (metainfo_.geometry.piece_bytes > hash::Sha1Streams::shared_bytes_min &&
      swarm_.has_waiting_neighbour()) {
    for (const uint32_t buffer : swarm_.active().used()) {
      if (swarm_.active().at({buffer}).state == ActivePiece::State::receiving) {
        add_part({buffer});
      }
    }
  }
  if (parts_.size() > 1 || !buffers.empty()) {
    streams_.advance(parts_);
  }
  for (size_t index = 0; index < buffers.size(); ++index) {
    digests[index] = hash::digest_of(streams_, buffers[index].raw);
  }
}

std::span<const PieceVerifier::Verdict> PieceVerifier::run(uint32_t storing_count,
                                                           bool is_stopping) {
  std::array<BufferIndex, hash::lanes_max> buffers;
  std::array<Sha1Digest, hash::lanes_max> digests;
  const size_t count =
      is_time(storing_count, is_stopping) ? std::min(waiting_.size(), buffers.size()) : 0;
  std::copy_n(waiting_.begin(), count, buffers.begin());
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  hash_by_streams(std::span(buffers).first(count), std::span(digests).first(count));
  for (size_t index = 0; index < count; ++index) {
    const PieceIndex piece = swarm_.active().at(buffers[index]).piece;
    ENSURE(piece.raw < metainfo_.piece_digests.size());
    verdicts_[index] = {buffers[index], digests[index] == metainfo_.piece_digests[piece.raw]};
  }
  return std::span(verdicts_).first(count);
}

}  // namespace murder::node
