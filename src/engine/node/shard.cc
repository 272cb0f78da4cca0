#include "engine/node/shard.h"

#include <malloc.h>

#include <utility>

#include "engine/base/bounds.h"
#include "engine/base/ensure.h"

namespace murder::node {

using swarm::CloseReason;
using swarm::SessionId;

namespace {

// A place that is sent from cannot be used for the next piece. Neighbours that stopped reading may
// hold some ten of them, which must not be most.
constexpr uint32_t places_to_serve_unstored = 24;
constexpr int rounds_per_turn_max = 16;
// Fewer connections leave little behind. A look at the whole heap takes about a millisecond.
constexpr uint32_t closed_worth_trimming = 16;
constexpr Duration trim_interval = std::chrono::seconds(2);

PieceMemory::Size memory_of(const Geometry& geometry, const BitSet& have, uint64_t memory_bytes) {
  const uint64_t for_pieces =
      memory_bytes > LinkMemory::all_bytes ? memory_bytes - LinkMemory::all_bytes : 0;
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
             Store store, const BitSet& have, io::Fd listener, ShardOutbox& outbox,
             PieceMemory piece_memory, LinkMemory::Arenas link_arenas,
             std::unique_ptr<tls::Context> encryption)
    : reactor_(reactor),
      home_{outbox, options.index},
      closed_(options.closed),
      encryption_(std::move(encryption)),
      kernel_tls_{.key_bytes_max = options.rekey_bytes},
      store_(std::move(store)),
      swarm_(config_of(options, have), have, Prng(options.seed), *this),
      storage_(reactor, store_, swarm_, std::move(piece_memory), home_),
      verifier_(reactor, swarm_, storage_.memory(), metainfo),
      link_memory_(std::move(link_arenas), work_),
      upload_(reactor, options.upload_limit, listed_upload,
              callback<&LinkWork::wants_flush>(&work_)),
      download_(reactor, options.download_limit, listed_download,
                callback<&LinkWork::wants_arm>(&work_)),
      gather_timer_(reactor.timers(), callback<&Shard::gather_due>(this)),
      link_host_{.reactor = reactor,
                 .swarm = swarm_,
                 .store = store_,
                 .pieces = storage_,
                 .memory = link_memory_,
                 .work = work_,
                 .gather_timer = gather_timer_,
                 .upload = upload_,
                 .download = download_,
                 .counters = counters_,
                 .home = home_,
                 .send_path = options.send_path,
                 .source = options.source,
                 .closed = closed_ ? &*closed_ : nullptr,
                 .encryption = encryption_.get(),
                 .kernel_tls = &kernel_tls_},
      links_(options.swarm.sessions_max),
      acceptor_(reactor, std::move(listener), callback<&Shard::accepted>(this)),
      tick_timer_(reactor.timers(), callback<&Shard::tick>(this)),
      turn_hook_(callback<&Shard::turn_ended>(this)) {
  store_.close_through(reactor_);
}

Result<std::unique_ptr<Shard>> Shard::create(io::Reactor& reactor, const ShardOptions& options,
                                             const codec::Metainfo& metainfo, Store store,
                                             const BitSet& have, io::Fd listener,
                                             ShardOutbox& outbox) {
  Result<PieceMemory> pieces = PieceMemory::create(
      metainfo.geometry, memory_of(metainfo.geometry, have, options.memory_bytes));
  if (!pieces) {
    return fail(pieces.error());
  }
  Result<LinkMemory::Arenas> arenas = LinkMemory::Arenas::create();
  if (!arenas) {
    return fail(arenas.error());
  }
  std::unique_ptr<tls::Context> encryption;
  if (options.is_encrypted) {
    ENSURE(options.closed.has_value());
    Result<std::unique_ptr<tls::Context>> made = tls::Context::create(tls::has_fast_aes());
    if (!made) {
      return fail(made.error());
    }
    encryption = std::move(*made);
  }
  return std::unique_ptr<Shard>(new Shard(reactor, options, metainfo, std::move(store), have,
                                          std::move(listener), outbox, std::move(*pieces),
                                          std::move(*arenas), std::move(encryption)));
}

void Shard::start() {
  ENSURE(!stopping_);
  reactor_.add_turn_hook(turn_hook_);
  acceptor_.start();
  tick_timer_.arm(reactor_.now());
}

// --- connections ---------------------------------------------------------------------------------

PeerLink& Shard::link(SessionId session) {
  ENSURE(session.slot < links_.size());
  std::unique_ptr<PeerLink>& slot = links_[session.slot];
  if (slot == nullptr) {
    slot = std::make_unique<PeerLink>(link_host_);
  }
  return *slot;
}

void Shard::accepted(io::Fd socket, const Endpoint& remote) {
  const SessionId session = swarm_.accept(remote, reactor_.now());
  if (!session.is_none()) {
    link(session).adopt(session, std::move(socket));
  }
}

void Shard::dial(SessionId session, const Endpoint& endpoint) {
  link(session).dial(session, endpoint);
}

void Shard::close(SessionId session, CloseReason) {
  link(session).close();
}

void Shard::send_handshake(SessionId session, const codec::Handshake& handshake) {
  link(session).send_handshake(handshake);
}

void Shard::send(SessionId session, const codec::PeerMessage& message) {
  PeerLink& to = link(session);
  const std::span<uint8_t> wire = to.append(codec::encoded_bytes(message));
  if (wire.empty()) {
    work_.wants_end(to, CloseReason::not_reading);
    return;
  }
  codec::encode_message(message, wire);
  work_.wants_flush(to);
}

void Shard::send_block(SessionId session, const BlockRange& block) {
  PeerLink& to = link(session);
  to.enqueue(block);
  work_.wants_flush(to);
}

void Shard::disarm(SessionId session) {
  link(session).disarm();
}

// --- pieces --------------------------------------------------------------------------------------

void Shard::verify(BufferIndex buffer, PieceIndex) {
  verifier_.add(buffer);
}

bool Shard::verify_pieces() {
  const auto verdicts = verifier_.run(storage_.writing_count(), stopping_);
  for (const PieceVerifier::Verdict& verdict : verdicts) {
    swarm_.piece_verified(verdict.buffer, verdict.matches, reactor_.now());
  }
  return !verdicts.empty();
}

void Shard::store(BufferIndex buffer, PieceIndex piece) {
  storage_.store(buffer, piece);
}

// --- the home thread -----------------------------------------------------------------------------

void Shard::request_lease(PieceIndex piece) {
  home_.post(to_home::LeaseRequest{piece});
}
void Shard::return_lease(PieceIndex piece) {
  home_.post(to_home::LeaseReturn{piece});
}
void Shard::lease_fulfilled(PieceIndex piece) {
  home_.post(to_home::LeaseFulfilled{piece});
}
void Shard::completed() {
  post_stats();  // who asks at the end is to see all of it
  home_.post(to_home::Completed{});
}

void Shard::deliver(const FromHome& message) {
  std::visit([this](const auto& of_kind) { on(of_kind); }, message);
}

void Shard::on(const from_home::LeaseAnswer& message) {
  swarm_.lease_answered(message.piece, message.is_granted, reactor_.now());
}

void Shard::on(const from_home::LeaseFreed& message) {
  swarm_.lease_freed(message.piece, reactor_.now());
}

void Shard::on(const from_home::StoredElsewhere& message) {
  swarm_.piece_stored_elsewhere(message.piece, reactor_.now());
}

void Shard::on(const from_home::Candidate& message) {
  swarm_.add_candidates({&message.endpoint, 1}, reactor_.now());
}

void Shard::on(const from_home::RackTold& message) {
  swarm_.rack_told(message.rack);
}

void Shard::on(const from_home::Stop&) {
  stopping_ = true;
  acceptor_.stop();
  swarm_.stop(reactor_.now());
}

void Shard::post_stats() {
  const swarm::SwarmStats& stats = swarm_.stats();
  counters_.ring_submissions = reactor_.counters().submissions;
  counters_.ring_enters = reactor_.counters().enters;
  home_.post(ShardStats{
      .downloaded_bytes = stats.downloaded_bytes,
      .uploaded_bytes = stats.uploaded_bytes,
      .wasted_bytes = stats.wasted_bytes,
      .failed_pieces = stats.failed_pieces,
      .last_culprit = stats.last_culprit,
      .unproven_count = stats.closed[static_cast<size_t>(CloseReason::unproven)],
      .transport_differs_count = stats.closed[static_cast<size_t>(CloseReason::transport_differs)],
      .session_count = swarm_.session_count(),
      .open_count = swarm_.open_count(),
      .neighbour_count = swarm_.neighbour_count(reactor_.now()),
      .io = counters_});
}

void Shard::tick(io::Timer&) {
  const Instant now = reactor_.now();
  swarm_.tick(now);
  take_memory_back(now);
  end_unproven(now);
  trim_heap(now);
  post_stats();
  tick_timer_.arm(now + swarm::Swarm::tick_interval);
}

void Shard::gather_due(io::Timer&) {
  const Instant since = reactor_.now() - LinkHost::gather_wait_max;
  bool gather = false;
  for (const std::unique_ptr<PeerLink>& link : links_) {
    gather |= link != nullptr && link->end_gathering(since);
  }
  if (gather) {
    link_host_.gathers();
  }
}

// Chunks that links wait for, and places that stored pieces cannot leave.
void Shard::take_memory_back(Instant now) {
  if (!link_memory_.is_short() && !storage_.is_short()) {
    return;
  }
  for (const std::unique_ptr<PeerLink>& link : links_) {
    if (link != nullptr) {
      link->yield_memory(now);
    }
  }
}

// Who has no key holds a place for a moment only.
void Shard::end_unproven(Instant now) {
  if (!closed_) {
    return;
  }
  for (const std::unique_ptr<PeerLink>& link : links_) {
    if (link != nullptr && link->is_unproven(now - limits::peer_proof_timeout)) {
      link->end_unproven();
    }
  }
}

// What connections held was freed in small parts, which the C library keeps.
void Shard::trim_heap(Instant now) {
  if (closed_since_trim_ >= closed_worth_trimming && now - trimmed_at_ >= trim_interval) {
    closed_since_trim_ = 0;
    trimmed_at_ = now;
    malloc_trim(0);
  }
}

// --- the end of a turn ---------------------------------------------------------------------------

bool Shard::free_settled_links() {
  return work_.each_settled([&](PeerLink& link) {
    if (link.is_closing() && link.nothing_in_flight()) {
      const SessionId session = link.session();
      link.finish_close();
      ++closed_since_trim_;
      swarm_.closed(session, reactor_.now());
    }
  });
}

bool Shard::do_waiting_work() {
  bool worked = work_.end_links();
  worked |= verify_pieces();
  worked |= storage_.start_writes();
  worked |= storage_.release_pinned_places();
  worked |= work_.answer_disarms();
  worked |= free_settled_links();
  worked |= work_.flush();
  worked |= work_.arm();
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
  const bool writing = !verifier_.is_idle() || !storage_.is_idle();
  if (swarm_.session_count() == 0 && !writing && acceptor_.is_idle()) {
    stopped_told_ = true;
    tick_timer_.cancel();
    gather_timer_.cancel();
    verifier_.stop();
    turn_hook_.remove();
    post_stats();  // what happened since the last tick
    home_.post(to_home::Stopped{});
  }
}

}  // namespace murder::node
