// What a host has besides the network: a core that hashes, a disk, and a tracker to ask.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/codec/bounds.h"
#include "engine/sim/addresses.h"
#include "engine/sim/host.h"
#include "engine/sim/region.h"

namespace murder::sim {

namespace {

// Work is done one piece after the other: when work that is requested at `now` will be done.
Instant done_by(Instant& free_at, Instant now, uint32_t bytes, double rate) {
  ENSURE(rate > 0);
  const Duration takes(static_cast<int64_t>(bytes / rate * 1e9) + 1);
  free_at = std::max(free_at, now) + takes;
  return free_at;
}

}  // namespace

// --- pieces --------------------------------------------------------------------------------------

void Host::verify(BufferIndex buffer, PieceIndex piece) {
  const uint32_t size = options_.geometry.piece_size(piece);
  push(done_by(hash_free_at, now, size, hash_rate), EventKind::verified, buffer.raw);
}

void Host::store(BufferIndex buffer, PieceIndex piece) {
  verified.set(piece.raw);
  const uint32_t size = options_.geometry.piece_size(piece);
  push(done_by(disk_free_at, now, size, disk_rate), EventKind::stored, buffer.raw);
}

void Host::stored_piece(BufferIndex buffer) {
  const PieceIndex piece = swarm->active().at(buffer).piece;
  ENSURE(verified.test(piece.raw));
  // Two copies of a piece near the end may both be stored; the piece counts once.
  region->stored_count += stored.set(piece.raw) ? 1 : 0;
  region->progressed_at = std::max(region->progressed_at, now);
  const Duration waited = now - progressed_at;
  longest_wait = std::max(longest_wait, waited);
  if (waited > options_.starved_after && !is_slow && disk_rate == options_.disk_rate) {
    note_fault(fmt::format("waited {:.3f} s for a piece", seconds_of(waited)));
  }
  progressed_at = now;
  swarm->piece_stored(buffer, now);
}

void Host::completed() {
  if (done_at != instant_never || !stored.all()) {
    note_fault("it says that it is complete a second time, or before it is");
  }
  done_at = now;
  ++region->done_count;
  region->unfinished_count -= dies_at == instant_never ? 1 : 0;
  announcer.completed(now);
  pump_announcer();
}

// --- tracker -------------------------------------------------------------------------------------

void Host::pump_announcer() {
  ENSURE(swarm != nullptr);
  while (const auto order = announcer.next(now)) {
    auto talk = std::make_unique<AnnounceTalk>();
    const uint64_t total = options_.geometry.total_bytes;
    uint64_t have = uint64_t{stored.count()} * options_.geometry.piece_bytes;
    have = stored.all() ? total : std::min(have, total - 1);
    codec::AnnounceRequest& request = talk->request;
    request.peer_id = peer_id;
    request.port = endpoint_of(index).port;
    request.left_bytes = total - have;
    request.event = order->event;
    request.peers_wanted = order->event == codec::AnnounceEvent::stopped
                               ? uint32_t{0}
                               : limits::peers_per_reply_default;
    request.total_bytes = total;
    request.neighbour_count = swarm->neighbour_count(now);
    request.rack = rack_name();
    talk->tracker = order->tracker;
    talk->host = index;
    talk->arrives = now + options_.latency;
    region->announces.push_back(std::move(talk));
  }
  const Instant due = announcer.next_due();
  if (due < announcer_due_at) {
    announcer_due_at = due;
    push(due, EventKind::announcer_due);
  }
}

void Host::announce_heard(const AnnounceTalk& heard) {
  if (is_alive()) {
    announcer.replied(heard.tracker, heard.reply, now);
    for (const codec::AnnouncePeer& peer : heard.reply.peers) {
      swarm->add_candidates({&peer.endpoint, 1}, now);
    }
    pump_announcer();
  }
}

}  // namespace murder::sim
