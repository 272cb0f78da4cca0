#include "engine/node/shard.h"

#include <algorithm>
#include <array>

#include "engine/base/bounds.h"
#include "engine/base/ensure.h"

namespace murder::node {

using swarm::CloseReason;
using swarm::SessionId;

namespace {

constexpr uint32_t send_chunk_bytes = 512 * 1024;
constexpr uint32_t send_chunk_count = 12;
// So often is looked for bytes that gather at a socket longer than this: they are taken, whether
// more comes or not.
constexpr Duration gather_wait_max = std::chrono::milliseconds(5);
constexpr uint64_t scratch_bytes = 2 * 1024 * 1024;  // the largest recv that is armed
constexpr uint64_t waste_bytes = 256 * 1024;
constexpr uint64_t overhead_bytes =
    uint64_t{send_chunk_bytes} * send_chunk_count + scratch_bytes + waste_bytes;
// A place that is sent from cannot be used for the next piece. Neighbours that stopped reading may
// hold some ten of them, which must not be most.
constexpr uint32_t places_to_serve_unstored = 24;
constexpr int rounds_per_turn_max = 16;
constexpr Duration accept_pause = std::chrono::milliseconds(100);
static_assert(send_chunk_bytes >= limits::block_bytes_max);

PieceMemory::Size memory_of(const Geometry& geometry, const BitSet& have, uint64_t memory_bytes) {
  const uint64_t for_pieces = memory_bytes > overhead_bytes ? memory_bytes - overhead_bytes : 0;
  return PieceMemory::size_for(geometry, have.size() - have.count(), for_pieces);
}

swarm::SwarmConfig config_of(const ShardOptions& options, const BitSet& have) {
  swarm::SwarmConfig config = options.swarm;
  const PieceMemory::Size size = memory_of(config.geometry, have, options.memory_bytes);
  config.piece_buffers = size.buffer_count;
  config.serves_unstored = size.place_count >= places_to_serve_unstored;
  return config;
}

}  // namespace

Shard::Shard(io::Reactor& reactor, const ShardOptions& options, const codec::Metainfo& metainfo,
             Store store, const BitSet& have, io::Fd listener, ShardOutbox& outbox)
    : reactor_(reactor),
      options_(options),
      metainfo_(metainfo),
      outbox_(outbox),
      store_(std::move(store)),
      listener_(std::move(listener)),
      swarm_(config_of(options, have), have, Prng(options.seed), *this),
      streams_(swarm_.active().buffer_count()),
      stream_rounds_(swarm_.active().buffer_count()),
      upload_(
          reactor, options.upload_limit, listed_upload,
          {this, [](void* self, PeerLink& link) { static_cast<Shard*>(self)->wants_flush(link); }}),
      download_(
          reactor, options.download_limit, listed_download,
          {this, [](void* self, PeerLink& link) { static_cast<Shard*>(self)->wants_arm(link); }}),
      links_(options.swarm.sessions_max),
      stores_(swarm_.active().buffer_count()),
      accept_(io::bind_operation<&Shard::accepted>(this)),
      accept_timer_(reactor.timers(), io::bind_timer<&Shard::accept_again>(this)),
      tick_timer_(reactor.timers(), io::bind_timer<&Shard::tick>(this)),
      gather_timer_(reactor.timers(), io::bind_timer<&Shard::gather_due>(this)),
      hash_timer_(reactor.timers(), io::bind_timer<&Shard::hash_due>(this)),
      turn_hook_(io::bind_hook<&Shard::turn_ended>(this)) {
  store_.close_through(reactor_);
  stream_parts_.reserve(stores_.size());
  for (std::unique_ptr<StoreTransfer>& transfer : stores_) {
    transfer =
        std::make_unique<StoreTransfer>(reactor_, store_, bind_transfer<&Shard::stored>(this));
  }
}

Shard::~Shard() {
  stopping_ = true;
  reactor_.cancel_and_wait(accept_);
}

Status Shard::allocate(const BitSet& have) {
  Result<PieceMemory> pieces =
      PieceMemory::create(geometry(), memory_of(geometry(), have, options_.memory_bytes));
  if (!pieces) {
    return fail(pieces.error());
  }
  pieces_.emplace(std::move(*pieces));
  const auto make = [](std::unique_ptr<io::AlignedArena>& arena, uint64_t size_bytes) -> Status {
    auto made = io::AlignedArena::create({.size_bytes = size_bytes});
    if (!made) {
      return fail(made.error());
    }
    arena = std::move(*made);
    return {};
  };
  for (const Status& status : {make(chunk_memory_, uint64_t{send_chunk_bytes} * send_chunk_count),
                               make(scratch_, scratch_bytes), make(waste_, waste_bytes)}) {
    if (!status) {
      return status;
    }
  }
  chunks_ = io::ChunkPool(chunk_memory_->bytes(), send_chunk_bytes);
  return {};
}

Result<std::unique_ptr<Shard>> Shard::create(io::Reactor& reactor, const ShardOptions& options,
                                             const codec::Metainfo& metainfo, Store store,
                                             const BitSet& have, io::Fd listener,
                                             ShardOutbox& outbox) {
  std::unique_ptr<Shard> shard(
      new Shard(reactor, options, metainfo, std::move(store), have, std::move(listener), outbox));
  const Status allocated = shard->allocate(have);
  if (!allocated) {
    return fail(allocated.error());
  }
  return shard;
}

void Shard::start() {
  reactor_.add_turn_hook(turn_hook_);
  reactor_.accept_multishot(accept_, listener_.get());
  tick_timer_.arm(reactor_.now());
}

// --- connections ---------------------------------------------------------------------------------

PeerLink& Shard::link(SessionId session) {
  std::unique_ptr<PeerLink>& slot = links_[session.slot];
  if (slot == nullptr) {
    slot = std::make_unique<PeerLink>(*this);
  }
  return *slot;
}

void Shard::accepted(io::Operation&, int32_t result, uint32_t cqe_flags) {
  if (result >= 0) {
    io::Fd socket(result);
    const std::optional<Endpoint> remote = io::peer_endpoint(result);
    const SessionId session =
        remote && !stopping_ ? swarm_.accept(*remote, reactor_.now()) : SessionId{};
    if (!session.is_none()) {
      link(session).adopt(session, std::move(socket));
    }
  }
  if ((cqe_flags & io::cqe_more) == 0 && !stopping_) {
    // Out of descriptors, or the kernel ended the multishot: after a pause when it was an error.
    accept_timer_.arm(result >= 0 ? reactor_.now() : reactor_.now() + accept_pause);
  }
}

void Shard::accept_again(io::Timer&) {
  if (!stopping_ && !accept_.in_flight()) {
    reactor_.accept_multishot(accept_, listener_.get());
  }
}

void Shard::dial(SessionId session, const Endpoint& endpoint) {
  std::optional<Endpoint> source;
  if (options_.source && options_.source->is_v4() == endpoint.address.is_v4()) {
    source = Endpoint{*options_.source, 0};
  }
  link(session).dial(session, endpoint, source);
}

void Shard::close(SessionId session, CloseReason) {
  link(session).close();
}

void Shard::wants_end(PeerLink& link, CloseReason reason) {
  if ((link.listed & listed_end) == 0) {
    link.listed |= listed_end;
    end_list_.push_back({&link, link.session(), reason});
  }
}

void Shard::send_handshake(SessionId session, const codec::Handshake& handshake) {
  PeerLink& to = link(session);
  const std::span<uint8_t> wire = to.append(codec::handshake_bytes);
  ENSURE(wire.size() == codec::handshake_bytes);
  codec::encode_handshake(handshake, wire.first<codec::handshake_bytes>());
  wants_flush(to);
}

void Shard::send(SessionId session, const codec::PeerMessage& message) {
  PeerLink& to = link(session);
  const std::span<uint8_t> wire = to.append(codec::encoded_bytes(message));
  if (wire.empty()) {
    wants_end(to, CloseReason::not_reading);
    return;
  }
  codec::encode_message(message, wire);
  wants_flush(to);
}

void Shard::send_block(SessionId session, const BlockRange& block) {
  PeerLink& to = link(session);
  to.enqueue(block);
  wants_flush(to);
}

void Shard::disarm(SessionId session) {
  link(session).disarm();
}

// --- pieces --------------------------------------------------------------------------------------

void Shard::store(BufferIndex buffer, PieceIndex piece) {
  pieces_->verified(buffer, piece);
  store_list_.push_back(buffer);
}

bool Shard::start_stores() {
  if (store_list_.empty()) {
    return false;
  }
  std::vector<BufferIndex> buffers;
  std::swap(buffers, store_list_);
  for (const BufferIndex buffer : buffers) {
    const swarm::ActivePiece& active = swarm_.active().at(buffer);
    ++storing_count_;
    stores_[buffer.raw]->write(geometry().piece_offset(active.piece),
                               {pieces_->at(buffer, 0), active.size_bytes});
  }
  buffers.clear();
  if (store_list_.empty()) {
    std::swap(buffers, store_list_);  // keeps the memory
  }
  return true;
}

void Shard::stored(StoreTransfer& transfer, int error_number) {
  const auto found = std::find_if(stores_.begin(), stores_.end(),
                                  [&](const auto& entry) { return entry.get() == &transfer; });
  const BufferIndex buffer{static_cast<uint32_t>(found - stores_.begin())};
  --storing_count_;
  if (error_number != 0) {
    post(ShardMessage::Kind::write_failed, {}, error_number);
    return;  // the node stops
  }
  leave_place(buffer);
}

void Shard::read_failed(int error_number) {
  post(ShardMessage::Kind::read_failed, {}, error_number);
}

// --- the home thread -----------------------------------------------------------------------------

void Shard::post(ShardMessage::Kind kind, PieceIndex piece, int error_number) {
  outbox_.post(
      {.kind = kind, .shard = options_.index, .piece = piece, .error_number = error_number});
}

void Shard::request_lease(PieceIndex piece) {
  post(ShardMessage::Kind::lease_request, piece);
}
void Shard::return_lease(PieceIndex piece) {
  post(ShardMessage::Kind::lease_return, piece);
}
void Shard::lease_fulfilled(PieceIndex piece) {
  post(ShardMessage::Kind::lease_fulfilled, piece);
}
void Shard::completed() {
  post_stats();  // who asks at the end is to see all of it
  post(ShardMessage::Kind::completed);
}

void Shard::deliver(const ShardMessage& message) {
  const Instant now = reactor_.now();
  switch (message.kind) {
    case ShardMessage::Kind::lease_granted:
      swarm_.lease_answered(message.piece, true, now);
      return;
    case ShardMessage::Kind::lease_denied:
      swarm_.lease_answered(message.piece, false, now);
      return;
    case ShardMessage::Kind::lease_freed:
      swarm_.lease_freed(message.piece, now);
      return;
    case ShardMessage::Kind::stored_elsewhere:
      swarm_.piece_stored_elsewhere(message.piece, now);
      return;
    case ShardMessage::Kind::rack_told:
      swarm_.rack_told(message.rack);
      return;
    case ShardMessage::Kind::candidate:
      swarm_.add_candidates({&message.endpoint, 1}, now);
      return;
    case ShardMessage::Kind::stop:
      stopping_ = true;
      reactor_.cancel(accept_);
      swarm_.stop(now);
      return;
    default:
      ENSURE(false);
  }
}

void Shard::post_stats() {
  const swarm::SwarmStats& stats = swarm_.stats();
  counters_.ring_submissions = reactor_.counters().submissions;
  counters_.ring_enters = reactor_.counters().enters;
  outbox_.post({.kind = ShardMessage::Kind::stats,
                .shard = options_.index,
                .stats = {.downloaded_bytes = stats.downloaded_bytes,
                          .uploaded_bytes = stats.uploaded_bytes,
                          .wasted_bytes = stats.wasted_bytes,
                          .failed_pieces = stats.failed_pieces,
                          .last_culprit = stats.last_culprit,
                          .session_count = swarm_.session_count(),
                          .open_count = swarm_.open_count(),
                          .neighbour_count = swarm_.neighbour_count(reactor_.now()),
                          .io = counters_}});
}

void Shard::tick(io::Timer&) {
  const Instant now = reactor_.now();
  swarm_.tick(now);
  take_memory_back(now);
  trim_heap(now);
  post_stats();
  tick_timer_.arm(now + swarm::Swarm::tick_interval);
}

void Shard::gathers() {
  if (!gather_timer_.armed()) {
    gather_timer_.arm(reactor_.now() + gather_wait_max);
  }
}

void Shard::gather_due(io::Timer&) {
  const Instant since = reactor_.now() - gather_wait_max;
  bool gather = false;
  for (const std::unique_ptr<PeerLink>& link : links_) {
    gather |= link != nullptr && link->end_gathering(since);
  }
  if (gather) {
    gathers();
  }
}

// --- the end of a turn ---------------------------------------------------------------------------

void Shard::enlist(std::vector<PeerLink*>& list, PeerLink& link, uint32_t flag) {
  if ((link.listed & flag) == 0) {
    link.listed |= flag;
    list.push_back(&link);
  }
}

template <typename Visit>
bool Shard::drain(std::vector<PeerLink*>& list, uint32_t flag, Visit&& visit) {
  if (list.empty()) {
    return false;
  }
  draining_list_.clear();
  std::swap(list, draining_list_);
  for (PeerLink* link : draining_list_) {
    link->listed &= ~flag;
    visit(*link);
  }
  return true;
}

bool Shard::end_links() {
  if (end_list_.empty()) {
    return false;
  }
  std::vector<LinkEnd> ends;
  std::swap(ends, end_list_);
  for (const LinkEnd& entry : ends) {
    entry.link->listed &= ~uint32_t{listed_end};
    if (entry.link->session() == entry.session) {
      entry.link->end(entry.reason);
    }
  }
  return true;
}

bool Shard::do_waiting_work() {
  bool worked = end_links();
  worked |= hash_pieces();
  worked |= start_stores();
  worked |= leave_held_places();
  worked |= drain(disarm_list_, listed_disarm, [](PeerLink& link) { link.answer_disarm(); });
  worked |= drain(settled_list_, listed_settled, [&](PeerLink& link) {
    if (link.is_closing() && link.nothing_in_flight()) {
      const SessionId session = link.session();
      link.finish_close();
      ++closed_since_trim_;
      swarm_.closed(session, reactor_.now());
    }
  });
  worked |= drain(flush_list_, listed_flush, [](PeerLink& link) { link.flush(); });
  worked |= drain(arm_list_, listed_arm, [](PeerLink& link) { link.arm(); });
  return worked;
}

void Shard::turn_ended(io::TurnHook&) {
  int rounds = 0;
  while (do_waiting_work()) {
    if (++rounds == rounds_per_turn_max) {
      reactor_.skip_wait();
      break;
    }
  }
  check_stopped();
}

void Shard::check_stopped() {
  if (!stopping_ || stopped_told_) {
    return;  // it is asked at the end of every turn
  }
  // Pieces that wait to be hashed or written are kept: they would begin a write later on.
  const bool writing = !verify_list_.empty() || !store_list_.empty() ||
                       std::any_of(stores_.begin(), stores_.end(),
                                   [](const auto& transfer) { return transfer->in_flight(); });
  if (swarm_.session_count() == 0 && !writing && !accept_.in_flight()) {
    stopped_told_ = true;
    for (io::Timer* timer : {&accept_timer_, &tick_timer_, &gather_timer_, &hash_timer_}) {
      timer->cancel();
    }
    turn_hook_.remove();
    post(ShardMessage::Kind::stopped);
  }
}

}  // namespace murder::node
