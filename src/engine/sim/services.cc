// What hosts have besides the network: a core that hashes, a disk, and a
// tracker to ask.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/sim/simulation.h"

namespace murder::sim {

namespace {

// One after the other: when this work, asked for now, is done.
Instant done_by(Instant& free_at, Instant now, uint32_t bytes, double rate) {
  const Duration takes(static_cast<int64_t>(bytes / rate * 1e9) + 1);
  free_at = std::max(free_at, now) + takes;
  return free_at;
}

}  // namespace

// --- pieces
// --------------------------------------------------------------------------------------

void Simulation::verify(Host& host, BufferIndex buffer, PieceIndex piece) {
  const uint32_t size = options_.geometry.piece_size(piece);
  push(done_by(host.hash_free_at, now_, size, host.hash_rate), EventKind::verified, host.index,
       buffer.raw);
}

void Simulation::store(Host& host, BufferIndex buffer, PieceIndex piece) {
  host.verified.set(piece.raw);
  const uint32_t size = options_.geometry.piece_size(piece);
  push(done_by(host.disk_free_at, now_, size, host.disk_rate), EventKind::stored, host.index,
       buffer.raw);
}

void Simulation::stored(Host& host, BufferIndex buffer) {
  const PieceIndex piece = host.swarm->active().at(buffer).piece;
  // Two copies of a piece near the end may both be stored; the piece counts
  // once.
  stored_count_ += host.stored.set(piece.raw) ? 1 : 0;
  progressed_at_ = now_;
  const Duration waited = now_ - host.progressed_at;
  host.longest_wait = std::max(host.longest_wait, waited);
  if (waited > options_.starved_after && !host.is_slow && host.disk_rate == options_.disk_rate) {
    note_fault(host, fmt::format("waited {:.3f} s for a piece", seconds_of(waited)));
  }
  host.progressed_at = now_;
  host.swarm->piece_stored(buffer, now_);
}

void Simulation::completed(Host& host) {
  if (host.done_at != instant_never || !host.stored.all()) {
    note_fault(host, "it says that it is complete a second time, or before it is");
  }
  host.done_at = now_;
  ++done_count_;
  unfinished_count_ -= host.dies ? 0 : 1;
  host.announcer.completed(now_);
  pump_announcer(host);
}

// --- tracker
// -------------------------------------------------------------------------------------

void Simulation::pump_announcer(Host& host) {
  while (const auto order = host.announcer.next(now_)) {
    if (free_talks_.empty()) {
      free_talks_.push_back(static_cast<uint32_t>(talks_.size()));
      talks_.push_back(std::make_unique<AnnounceTalk>());
    }
    const uint32_t talk = free_talks_.back();
    free_talks_.pop_back();
    const uint64_t total = options_.geometry.total_bytes;
    uint64_t have = uint64_t{host.stored.count()} * options_.geometry.piece_bytes;
    have = host.stored.all() ? total : std::min(have, total - 1);
    codec::AnnounceRequest& request = talks_[talk]->request;
    request.peer_id = host.peer_id;
    request.port = endpoint_of(host.index).port;
    request.left_bytes = total - have;
    request.event = order->event;
    request.peers_wanted = order->event == codec::AnnounceEvent::stopped
                               ? uint32_t{0}
                               : limits::peers_per_reply_default;
    request.total_bytes = total;
    request.neighbour_count = host.swarm->open_count();
    request.rack = rack_name(host);
    talks_[talk]->tracker = order->tracker;
    push(now_ + options_.latency, EventKind::announce_sent, host.index, talk, 0,
         EventQueue::Lane::latency);
  }
  const Instant due = host.announcer.next_due();
  if (due < host.announcer_due_at) {
    host.announcer_due_at = due;
    push(due, EventKind::announcer_due, host.index);
  }
}

void Simulation::announce_sent(Host& host, uint32_t talk) {
  ++counters_.announce_count;
  tracker_free_at_ = std::max(tracker_free_at_, now_) + options_.announce_takes;
  table_.announce(talks_[talk]->request, endpoint_of(host.index).address, now_, tracker_prng_,
                  talks_[talk]->reply);
  push(tracker_free_at_ + options_.latency, EventKind::announce_heard, host.index, talk, 0,
       EventQueue::Lane::latency);
}

void Simulation::announce_heard(Host& host, uint32_t talk) {
  AnnounceTalk& heard = *talks_[talk];
  if (host.is_alive()) {
    host.announcer.replied(heard.tracker, heard.reply, now_);
    for (const codec::AnnouncePeer& peer : heard.reply.peers) {
      host.swarm->add_candidates({&peer.endpoint, 1}, now_);
    }
    pump_announcer(host);
  }
  free_talks_.push_back(talk);
}

}  // namespace murder::sim
