// When a shard hashes what. Where a neighbour may wait for a piece: its parts as they come, side by
// side with those of others, so that little is left when it is whole. Else whole pieces, as many
// together as gain the most.
#include <algorithm>
#include <array>

#include "engine/node/shard.h"

namespace murder::node {

using swarm::ActivePiece;

void Shard::verify(BufferIndex buffer, PieceIndex) {
  verify_list_.push_back(buffer);
  batching_.piece_waits(swarm_.may_be_awaited(), reactor_.now());
}

bool Shard::is_time_to_hash() {
  if (verify_list_.empty()) {
    return false;
  }
  const swarm::ActivePieces& active = swarm_.active();
  const auto waiting = static_cast<uint32_t>(verify_list_.size());
  const uint32_t idle = active.idle_count();
  const Instant now = reactor_.now();
  const bool is_begun = std::any_of(verify_list_.begin(), verify_list_.end(),
                                    [&](BufferIndex buffer) { return is_hashed_in_part(buffer); });
  const Instant at =
      batching_.hash_at({.waiting = waiting,
                         .receiving = active.buffer_count() - idle - waiting - storing_count_,
                         .missing = swarm_.wanted_count(),
                         .storing = storing_count_,
                         .idle_buffers = idle,
                         .buffers = active.buffer_count()},
                        now);
  if (!is_begun && !stopping_ && at > now) {
    hash_timer_.arm(at);
    return false;
  }
  hash_timer_.cancel();
  batching_.hashed();
  return true;
}

bool Shard::is_hashed_in_part(BufferIndex buffer) const {
  return stream_rounds_[buffer.raw] == swarm_.active().at(buffer).round &&
         streams_.hashed_bytes(buffer.raw) > 0;
}

void Shard::add_stream_part(BufferIndex buffer) {
  const ActivePiece& active = swarm_.active().at(buffer);
  if (stream_rounds_[buffer.raw] != active.round) {
    stream_rounds_[buffer.raw] = active.round;
    streams_.restart(buffer.raw);
  }
  const uint32_t bytes = active.front_bytes();
  const bool is_whole = active.state == ActivePiece::State::verifying;
  if (is_whole || bytes >= streams_.hashed_bytes(buffer.raw) + hash::PieceStreams::step_bytes_min) {
    stream_parts_.push_back({buffer.raw, {pieces_->at(buffer, 0), bytes}, is_whole});
  }
}

// The digests of what waits, by streams, in company of pieces that are not whole yet. With nothing
// that waits those go on by themselves.
void Shard::hash_by_streams(std::span<const BufferIndex> waiting, std::span<Sha1Digest> digests) {
  stream_parts_.clear();
  for (const BufferIndex buffer : waiting) {
    add_stream_part(buffer);
  }
  // What nobody awaits is hashed when there is more of it, and smaller pieces when they are whole.
  if (geometry().piece_bytes > hash::PieceStreams::step_bytes_min && swarm_.may_be_awaited()) {
    for (const uint32_t buffer : swarm_.active().used()) {
      if (swarm_.active().at({buffer}).state == ActivePiece::State::receiving) {
        add_stream_part({buffer});
      }
    }
  }
  if (stream_parts_.size() > 1 || !waiting.empty()) {
    streams_.advance(stream_parts_);
  }
  for (size_t index = 0; index < waiting.size(); ++index) {
    digests[index] = streams_.finish(
        waiting[index].raw,
        {pieces_->at(waiting[index], 0), swarm_.active().at(waiting[index]).size_bytes});
  }
}

bool Shard::hash_pieces() {
  std::array<BufferIndex, hash::sha1_lanes_max> buffers;
  std::array<Sha1Digest, hash::sha1_lanes_max> digests;
  const size_t count = is_time_to_hash() ? std::min(verify_list_.size(), buffers.size()) : 0;
  const auto waiting = std::span(buffers).first(count);
  std::copy_n(verify_list_.begin(), count, buffers.begin());
  verify_list_.erase(verify_list_.begin(),
                     verify_list_.begin() + static_cast<std::ptrdiff_t>(count));
  hash_by_streams(waiting, std::span(digests).first(count));
  for (size_t index = 0; index < count; ++index) {
    const PieceIndex piece = swarm_.active().at(buffers[index]).piece;
    const bool matches = digests[index] == metainfo_.piece_digests[piece.raw];
    swarm_.piece_verified(buffers[index], matches, reactor_.now());
  }
  return count > 0;
}

}  // namespace murder::node
