// What hosts have besides the network: a core that hashes, a disk, and a
// tracker to ask.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/codec/bounds.h"
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

// --- pieces --------------------------------------------------------------------------------------

void Simulation::verify(Host& host, BufferIndex buffer, PieceIndex piece) {
  const uint32_t size = options_.geometry.piece_size(piece);
  push(host, done_by(host.hash_free_at, host.now, size, host.hash_rate), EventKind::verified,
       buffer.raw);
}

void Simulation::store(Host& host, BufferIndex buffer, PieceIndex piece) {
  host.verified.set(piece.raw);
  const uint32_t size = options_.geometry.piece_size(piece);
  push(host, done_by(host.disk_free_at, host.now, size, host.disk_rate), EventKind::stored,
       buffer.raw);
}

void Simulation::stored(Host& host, BufferIndex buffer) {
  const PieceIndex piece = host.swarm->active().at(buffer).piece;
  // Two copies of a piece near the end may both be stored; the piece counts
  // once.
  host.region->stored_count += host.stored.set(piece.raw) ? 1 : 0;
  host.region->progressed_at = std::max(host.region->progressed_at, host.now);
  const Duration waited = host.now - host.progressed_at;
  host.longest_wait = std::max(host.longest_wait, waited);
  if (waited > options_.starved_after && !host.is_slow && host.disk_rate == options_.disk_rate) {
    note_fault(host, fmt::format("waited {:.3f} s for a piece", seconds_of(waited)));
  }
  host.progressed_at = host.now;
  host.swarm->piece_stored(buffer, host.now);
}

void Simulation::completed(Host& host) {
  if (host.done_at != instant_never || !host.stored.all()) {
    note_fault(host, "it says that it is complete a second time, or before it is");
  }
  host.done_at = host.now;
  ++host.region->done_count;
  host.region->unfinished_count -= host.dies_at == instant_never ? 1 : 0;
  host.announcer.completed(host.now);
  pump_announcer(host);
}

// --- tracker -------------------------------------------------------------------------------------

void Simulation::pump_announcer(Host& host) {
  while (const auto order = host.announcer.next(host.now)) {
    auto talk = std::make_unique<AnnounceTalk>();
    const uint64_t total = options_.geometry.total_bytes;
    uint64_t have = uint64_t{host.stored.count()} * options_.geometry.piece_bytes;
    have = host.stored.all() ? total : std::min(have, total - 1);
    codec::AnnounceRequest& request = talk->request;
    request.peer_id = host.peer_id;
    request.port = endpoint_of(host.index).port;
    request.left_bytes = total - have;
    request.event = order->event;
    request.peers_wanted = order->event == codec::AnnounceEvent::stopped
                               ? uint32_t{0}
                               : limits::peers_per_reply_default;
    request.total_bytes = total;
    request.neighbour_count = host.swarm->neighbour_count(host.now);
    request.rack = rack_name(host);
    talk->tracker = order->tracker;
    talk->host = host.index;
    talk->arrives = host.now + options_.latency;
    host.region->announces.push_back(std::move(talk));
  }
  const Instant due = host.announcer.next_due();
  if (due < host.announcer_due_at) {
    host.announcer_due_at = due;
    push(host, due, EventKind::announcer_due);
  }
}

// What was said in this window arrives in a later one.
void Simulation::run_tracker() {
  for (; !announces_.empty() && announces_.front()->arrives < horizon_; announces_.pop_front()) {
    std::unique_ptr<AnnounceTalk> talk = std::move(announces_.front());
    ++announce_count_;
    tracker_free_at_ = std::max(tracker_free_at_, talk->arrives) + options_.announce_takes;
    table_.announce(talk->request, endpoint_of(talk->host).address, talk->arrives, tracker_prng_,
                    talk->reply);
    Event event;
    event.when = tracker_free_at_ + options_.latency;
    event.kind = EventKind::announce_heard;
    const uint32_t host = talk->host;
    event.carry(talk.release());
    deliver(host, event);
  }
  const size_t known = announces_.size();
  for (Region& region : regions_) {
    std::ranges::move(region.announces, std::back_inserter(announces_));
    region.announces.clear();
  }
  std::stable_sort(
      announces_.begin() + static_cast<std::ptrdiff_t>(known), announces_.end(),
      [](const auto& left, const auto& right) { return left->arrives < right->arrives; });
}

void Simulation::announce_heard(Host& host, std::unique_ptr<AnnounceTalk> heard) {
  if (host.is_alive()) {
    host.announcer.replied(heard->tracker, heard->reply, host.now);
    for (const codec::AnnouncePeer& peer : heard->reply.peers) {
      host.swarm->add_candidates({&peer.endpoint, 1}, host.now);
    }
    pump_announcer(host);
  }
}

}  // namespace murder::sim
