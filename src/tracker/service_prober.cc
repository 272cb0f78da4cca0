#include "tracker/service_prober.h"

#include <algorithm>
#include <string_view>

#include "engine/base/ensure.h"
#include "engine/base/random_word.h"
#include "engine/codec/peer_wire.h"
#include "engine/io/sockets.h"
#include "tracker/bounds.h"

namespace murder::tracker {

namespace {

constexpr Duration look_period = std::chrono::milliseconds(10);
// Dials begun at a time, so that announces are answered in between: 3,200 a second.
constexpr uint32_t dials_per_look = 32;

}  // namespace

Probe::Probe(io::Reactor& reactor, ProbeOwner& owner)
    : reactor_(reactor),
      owner_(owner),
      operation_(callback<&Probe::step_done>(this)),
      timer_(reactor.timers(), callback<&Probe::timed_out>(this)) {}

// Of a closed swarm it is enough to be answered: no handshake follows.
bool Probe::prepare(const PeerId& own_id, const trust::KeyPair& keys) {
  peer_proof_.reset();
  if (keys.empty()) {
    codec::encode_handshake({.info_hash = proof_.info_hash, .peer_id = own_id},
                            std::span(buffer_).first<codec::handshake_bytes>());
    return true;
  }
  trust::Nonce nonce{};
  if (!fill_random(nonce)) {
    return false;
  }
  keys_ = trust::swarm_keys_of(keys, proof_.info_hash);
  peer_proof_.emplace(keys_, trust::PeerProof::Role::dialler, nonce);
  buffer_ = peer_proof_->hello();
  return true;
}

// As long as what is sent is what is received.
std::span<uint8_t> Probe::message() {
  return std::span(buffer_).first(peer_proof_ ? trust::frame_bytes : codec::handshake_bytes);
}

bool Probe::is_right_answer() {
  if (peer_proof_) {
    return peer_proof_->take_answer(buffer_);
  }
  const std::optional<codec::Handshake> answer =
      codec::decode_handshake(std::span(buffer_).first<codec::handshake_bytes>());
  return answer && answer->info_hash == proof_.info_hash;
}

bool Probe::begin(const Proof& proof, const PeerId& own_id, const trust::KeyPair& keys) {
  ENSURE(state_ == State::idle);
  Result<io::Fd> fd = io::open_tcp(proof.endpoint, std::nullopt);
  proof_ = proof;
  if (!fd || !prepare(own_id, keys)) {
    return false;
  }
  fd_ = fd->release();
  done_bytes_ = 0;
  address_ = io::SocketAddress::from(proof.endpoint);
  state_ = State::connecting;
  timer_.arm(reactor_.now() + limits::proof_timeout);
  reactor_.connect(operation_, fd_, &address_.storage, address_.size_bytes);
  return true;
}

void Probe::cancel() {
  if (state_ != State::idle) {
    reactor_.cancel(operation_);
  }
}

void Probe::timed_out(io::Timer&) {
  reactor_.cancel(operation_);
}

void Probe::send_more() {
  reactor_.send(operation_, fd_, message().subspan(done_bytes_));
}

void Probe::step_done(io::Operation&, int32_t result, uint32_t) {
  if (result < 0 || (result == 0 && state_ != State::connecting)) {
    end(false);
    return;
  }
  switch (state_) {
    case State::idle:
      break;
    case State::connecting:
      state_ = State::sending;
      send_more();
      break;
    case State::sending:
      done_bytes_ += static_cast<uint32_t>(result);
      if (done_bytes_ < message().size()) {
        send_more();
        break;
      }
      state_ = State::receiving;
      done_bytes_ = 0;
      reactor_.recv(operation_, fd_, message());
      break;
    case State::receiving:
      done_bytes_ += static_cast<uint32_t>(result);
      if (done_bytes_ < message().size()) {
        reactor_.recv(operation_, fd_, message().subspan(done_bytes_));
        break;
      }
      end(is_right_answer());
      break;
  }
}

void Probe::end(bool is_answered) {
  timer_.cancel();
  reactor_.close_fd(fd_);
  state_ = State::idle;
  owner_.probe_ended(proof_, is_answered);
}

Prober::Prober(io::Reactor& reactor, PeerTable& table, const Gate& gate, uint64_t random_seed)
    : reactor_(reactor),
      table_(table),
      prng_(random_seed),
      gate_(gate),
      timer_(reactor.timers(), callback<&Prober::start_more>(this)),
      hook_(callback<&Prober::look>(this)) {
  for (uint32_t count = 0; count < limits::proofs_at_once_max; ++count) {
    probes_.push_back(std::make_unique<Probe>(reactor, *this));
  }
  reactor.add_turn_hook(hook_);
}

Prober::~Prober() {
  is_stopping_ = true;
  hook_.remove();
  timer_.cancel();
  for (const auto& probe : probes_) {
    probe->cancel();
  }
  reactor_.run_until([this] { return under_way_count_ == 0; });
}

uint32_t Prober::under_way(SourceKey source) const {
  return static_cast<uint32_t>(std::count_if(
      probes_.begin(), probes_.end(),
      [&](const auto& probe) { return !probe->is_idle() && probe->source() == source; }));
}

void Prober::probe_ended(const Proof& proof, bool is_answered) {
  --under_way_count_;
  table_.proof_ended(proof, is_answered && !is_stopping_);
}

// An idle tracker is not woken.
void Prober::look(io::TurnHook&) {
  if (table_.proofs_waiting() > 0 && !timer_.armed()) {
    timer_.arm(reactor_.now() + look_period);
  }
}

// A source that has half of the probes under way waits: its proof goes, and comes again with the
// peer's next announce.
void Prober::start_more(io::Timer&) {
  for (uint32_t count = 0; count < dials_per_look; ++count) {
    if (under_way_count_ >= limits::proofs_at_once_max) {
      return;
    }
    const std::optional<Proof> proof = table_.next_proof(prng_);
    if (!proof) {
      return;
    }
    const auto idle = std::find_if(probes_.begin(), probes_.end(),
                                   [](const auto& probe) { return probe->is_idle(); });
    ENSURE(idle != probes_.end());
    const std::string_view kind = "-MT0001-";
    PeerId id;
    std::copy(kind.begin(), kind.end(), id.bytes.begin());
    for (size_t index = kind.size(); index < id.bytes.size(); ++index) {
      id.bytes[index] = static_cast<uint8_t>(prng_.next());
    }
    if (under_way(proof->source) >= limits::proofs_at_once_per_source ||
        !(*idle)->begin(*proof, id, gate_.peer_keys_of(proof->info_hash))) {
      table_.proof_put_off(*proof);
    } else {
      ++under_way_count_;
    }
  }
}

}  // namespace murder::tracker
