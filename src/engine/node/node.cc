#include "engine/node/node.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "engine/base/ensure.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/random_word.h"

namespace murder::node {
namespace {

constexpr Duration tick_interval = std::chrono::milliseconds(250);
constexpr Duration stop_check_interval = std::chrono::milliseconds(10);
constexpr Duration stop_patience = std::chrono::seconds(3);
constexpr std::string_view peer_id_prefix = "-MU0001-";  // BEP 20

// No secret depends on it, so any number will do where the kernel has none yet (early boot).
uint64_t random_seed() {
  const auto time = static_cast<uint64_t>(monotonic_now().time_since_epoch().count());
  return random_word().value_or(time ^ reinterpret_cast<uintptr_t>(&time));
}

PeerId make_peer_id(Prng& prng) {
  PeerId id;
  std::memcpy(id.bytes.data(), peer_id_prefix.data(), peer_id_prefix.size());
  for (size_t index = peer_id_prefix.size(); index < id.bytes.size(); ++index) {
    id.bytes[index] = static_cast<uint8_t>("0123456789abcdefghijklmnopqrstuvwxyz"[prng.below(36)]);
  }
  return id;
}

}  // namespace

Node::Node(io::Reactor& reactor, const codec::Metainfo& metainfo, const NodeOptions& options,
           NodeObserver& observer, StoreLock lock)
    : reactor_(reactor),
      metainfo_(metainfo),
      options_(options),
      observer_(observer),
      lock_(std::move(lock)),
      prng_(random_seed()),
      peer_id_(make_peer_id(prng_)),
      verifier_done_(reactor, callback<&Node::verified>(this)),
      verify_result_(fail(ErrorCode::interrupted, "not verified")),
      closed_(options.fleet_keys ? std::optional(trust::swarm_keys_of(options.fleet_keys->fleet,
                                                                      options.info_hash))
                                 : std::nullopt),
      watch_(metainfo, options.path, lock_.fd()),
      stats_(options.shard_count),
      tick_timer_(reactor.timers(), callback<&Node::tick>(this)),
      report_hook_(callback<&Node::handle_reports>(this)) {}

Result<std::unique_ptr<Node>> Node::create(io::Reactor& reactor, const codec::Metainfo& metainfo,
                                           const NodeOptions& options, NodeObserver& observer) {
  Result<StoreLock> lock = StoreLock::acquire(metainfo, options.path, !options.serve_only);
  if (!lock) {
    return fail(lock.error());
  }
  std::unique_ptr<Node> node(new Node(reactor, metainfo, options, observer, std::move(*lock)));
  node->start_verifying();
  return node;
}

Node::~Node() {
  verify_cancel_.set();
  if (verifier_.joinable()) {
    verifier_.join();
  }
  if (shard_ != nullptr && shards_stopped_ < options_.shard_count) {
    phase_ = NodePhase::stopped;
    failed_ = true;  // nobody hears of what fails now
    trackers_.reset();
    tick_timer_.cancel();
    broadcast({UINT32_MAX}, from_home::Stop{});
    reactor_.run_until([this] { return shards_stopped_ == options_.shard_count; });
  }
}

void Node::fail_once(const Error& error) {
  if (!failed_) {
    failed_ = true;
    observer_.node_failed(error);
  }
}

// --- shards --------------------------------------------------------------------------------------

// Reports of shard 0 come from within its swarm, so they are looked at when the turn ends.
void Node::post(const ShardReport& report) {
  if (report.shard.raw == 0) {
    reports_.push_back(report);
  } else {
    handle(report);
  }
}

void Node::handle_reports(io::TurnHook&) {
  for (int round = 0; round < 16 && !reports_.empty(); ++round) {
    std::vector<ShardReport> reports;
    std::swap(reports, reports_);
    for (const ShardReport& report : reports) {
      handle(report);
    }
    reports.clear();
    if (reports_.empty()) {
      std::swap(reports, reports_);  // keeps the memory
    } else {
      reactor_.skip_wait();
    }
  }
}

void Node::deliver(ShardIndex shard, const FromHome& message) {
  ENSURE(shard_ != nullptr && shard.raw <= threads_.size());
  if (shard.raw == 0) {
    shard_->deliver(message);
    reactor_.skip_wait();  // what it started is submitted in the next turn
  } else {
    threads_[shard.raw - 1]->deliver(message);
  }
}

void Node::broadcast(ShardIndex except, const FromHome& message) {
  for (uint32_t index = 0; index < options_.shard_count; ++index) {
    if (index != except.raw) {
      deliver({index}, message);
    }
  }
}

void Node::handle(const ShardReport& report) {
  std::visit([&](const auto& of_kind) { on(report.shard, of_kind); }, report.message);
}

void Node::on(ShardIndex shard, const ShardStats& stats) {
  ENSURE(shard.raw < stats_.size() && shard.raw < heard_at_.size());
  stats_[shard.raw] = stats;
  heard_at_[shard.raw] = reactor_.now();
}

void Node::on(ShardIndex shard, const to_home::LeaseRequest& message) {
  ENSURE(ledger_ != nullptr);
  const bool is_granted = ledger_->lease(message.piece, shard, reactor_.now());
  deliver(shard, from_home::LeaseAnswer{message.piece, is_granted});
}

void Node::on(ShardIndex shard, const to_home::LeaseReturn& message) {
  if (ledger_->give_back(message.piece, shard)) {
    broadcast(shard, from_home::LeaseFreed{message.piece});
  }
}

void Node::on(ShardIndex shard, const to_home::LeaseFulfilled& message) {
  if (ledger_->fulfil(message.piece)) {
    broadcast(shard, from_home::StoredElsewhere{message.piece});
  }
}

void Node::on(ShardIndex shard, const to_home::Completed&) {
  if (shard.raw == 0) {
    complete();
  }
}

void Node::on(ShardIndex, const to_home::Stopped&) {
  ENSURE(shards_stopped_ < options_.shard_count);
  ++shards_stopped_;
  check_stopped();
}

void Node::on(ShardIndex, const to_home::WriteFailed& message) {
  fail_once(fail_errno(message.error_number, "cannot write " + options_.path).value());
}

void Node::on(ShardIndex, const to_home::ReadFailed& message) {
  fail_once(fail_errno(message.error_number, "cannot serve " + options_.path).value());
}

void Node::complete() {
  if (phase_ != NodePhase::fetching) {
    return;
  }
  phase_ = NodePhase::serving;
  lock_.share();
  trackers_->completed();
  observer_.node_complete();
}

void Node::tick(io::Timer&) {
  if (phase_ == NodePhase::stopping) {
    check_stopped();
  } else {
    if (Status same = watch_.check(reactor_.now()); !same) {
      fail_once(same.error());
    }
    const NodeProgress now = progress();
    if (phase_ == NodePhase::fetching && now.stats.neighbour_count == 0) {
      trackers_->want_peers();
    }
    tell_notices(now.stats);
  }
  if (phase_ != NodePhase::stopped) {
    tick_timer_.arm(reactor_.now() +
                    (phase_ == NodePhase::stopping ? stop_check_interval : tick_interval));
  }
}

// --- end -----------------------------------------------------------------------------------------

void Node::stop() {
  if (phase_ == NodePhase::stopping || phase_ == NodePhase::stopped) {
    return;
  }
  phase_ = NodePhase::stopping;
  verify_cancel_.set();
  stop_deadline_ = reactor_.now() + stop_patience;
  if (trackers_ != nullptr) {
    trackers_->stop();
  }
  if (shard_ != nullptr) {
    broadcast({UINT32_MAX}, from_home::Stop{});
  }
  tick_timer_.arm(reactor_.now());
}

void Node::check_stopped() {
  if (phase_ != NodePhase::stopping) {
    return;
  }
  const bool verifier_ended = !verifier_.joinable();
  const bool shards_ended = shard_ == nullptr || shards_stopped_ == options_.shard_count;
  const bool trackers_told = trackers_ == nullptr || trackers_->stopped();
  if (verifier_ended && shards_ended && (trackers_told || reactor_.now() >= stop_deadline_)) {
    phase_ = NodePhase::stopped;
    tick_timer_.cancel();
    observer_.node_stopped();
  }
}

uint64_t Node::bytes_of(const Geometry& geometry, const BitSet& pieces) {
  if (pieces.none()) {
    return 0;
  }
  uint64_t bytes = uint64_t{pieces.count()} * geometry.piece_bytes;
  const PieceIndex last{pieces.size() - 1};
  if (pieces.test(last.raw)) {
    bytes -= geometry.piece_bytes - geometry.piece_size(last);
  }
  return bytes;
}

NodeProgress Node::progress() const {
  NodeProgress now;
  now.phase = phase_;
  now.verified_bytes = verify_observer_.bytes_done.load(std::memory_order_relaxed);
  now.total_bytes = metainfo_.geometry.total_bytes;
  now.resumed_bytes = resumed_bytes_;
  now.listens_on = listens_on_;
  now.rack = options_.rack;
  if (shard_ != nullptr) {
    now.have_bytes = bytes_of(metainfo_.geometry, shard_->swarm().stored());
  }
  for (const ShardStats& stats : stats_) {
    now.stats += stats;
  }
  if (trackers_ != nullptr) {
    now.tracker_trouble = trackers_->trouble();
    now.trackers_working = trackers_->working_count();
  }
  return now;
}

}  // namespace murder::node
