// The start of a node: what is there is verified, space is taken, shards begin.
#include <fmt/core.h>

#include <algorithm>

#include "engine/archive/verify.h"
#include "engine/base/ensure.h"
#include "engine/base/thread_start.h"
#include "engine/node/node.h"

namespace murder::node {
namespace {

// So often what is at the path may be another file than the one that was locked.
constexpr uint32_t replacements_max = 16;

}  // namespace

void Node::start_verifying() {
  const Status started = start_thread(verifier_, [this] {
    if (options_.serve_only) {
      watch_.begin();
    }
    verify_result_ = archive::verify_content(
        metainfo_, options_.path,
        {.through_cache = options_.serve_only,
         .memory_bytes =
             std::min<uint64_t>(archive::verify_memory_bytes_default, options_.memory_bytes / 2),
         .cancel = &verify_cancel_},
        verify_observer_);
    verifier_done_.notify();
  });
  if (!started) {
    verify_result_ = fail(started.error());
    verifier_done_.notify();
  }
}

void Node::verified(io::Notifier&) {
  if (verifier_.joinable()) {
    verifier_.join();
  }
  if (phase_ != NodePhase::verifying) {
    check_stopped();
    return;
  }
  const Status started = start_fetching();
  if (!started && !lock_.is_at(options_.path) && replacements_ < replacements_max) {
    ++replacements_;
    verify_other();
    return;
  }
  if (!started) {
    fail_once(started.error());
    return;
  }
  observer_.node_ready();
  if (phase_ == NodePhase::serving) {
    observer_.node_complete();
  }
}

// Another process put a file at the path meanwhile (`murder receive` does, for a seeder), and what
// is locked has no name any more. Nothing of the other may be changed before it is locked, too.
void Node::verify_other() {
  Result<StoreLock> lock = StoreLock::acquire(metainfo_, options_.path, !options_.serve_only);
  if (!lock) {
    fail_once(lock.error());
    return;
  }
  lock_ = std::move(*lock);
  watch_ = StoreWatch(metainfo_, options_.path, lock_.fd());
  phase_ = NodePhase::verifying;
  start_verifying();
}

Status Node::start_fetching() {
  if (!lock_.is_at(options_.path)) {
    return fail(replaced_error(options_.path));
  }
  if (!verify_result_) {
    return fail(verify_result_.error());
  }
  const BitSet& have = *verify_result_;
  if (options_.serve_only && !have.all()) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format(
            "{} is not the content of this torrent: {} of its {} pieces are missing or different",
            options_.path, have.size() - have.count(), have.size()));
  }
  if (!have.all()) {
    lock_.claim();
  }
  if (Status writable = lock_.check_content(metainfo_, options_.path, have); !writable) {
    return writable;
  }
  if (!have.all() && tracker_urls(metainfo_).empty()) {
    return fail(no_tracker_error());
  }
  if (lock_.mode() == StoreLock::Mode::exclusive) {
    Result<Store> store = Store::open(metainfo_, options_.path, Store::Access::write, &lock_);
    const Store::Content content{.is_complete = have.all(),
                                 .is_ours = metainfo_.is_single_file || lock_.is_ours()};
    const Status prepared = store ? store->preallocate(content) : Status(fail(store.error()));
    if (!prepared) {
      return prepared;
    }
  }
  resumed_bytes_ = bytes_of(metainfo_.geometry, have);
  phase_ = have.all() ? NodePhase::serving : NodePhase::fetching;
  if (have.all()) {
    lock_.share();
  }
  const Status shards = start_shards(have);
  if (!shards) {
    return shards;
  }
  start_tracker_client();
  reactor_.add_turn_hook(report_hook_);
  tick_timer_.arm(reactor_.now());
  return {};
}

// On the first port that is free.
Result<io::Fd> Node::listen_first(const io::ListenOptions& listen_options) {
  const PortRange& ports = options_.ports;
  for (uint16_t port = ports.first; port < ports.last; ++port) {
    Result<io::Fd> listener = listen_on(port, listen_options);
    if (listener || listener.error().code != ErrorCode::conflict) {
      return listener;
    }
  }
  io::ListenOptions last_options = listen_options;
  last_options.patience = ports.first == ports.last ? io::port_patience : Duration{};
  Result<io::Fd> listener = listen_on(ports.last, last_options);
  if (!listener && listener.error().code == ErrorCode::conflict && ports.first < ports.last) {
    return fail(
        ErrorCode::conflict,
        fmt::format("no port of {} is free: name more with --peer-port, or see with `murder "
                    "status` what listens there",
                    ports.text()));
  }
  return listener;
}

// The address that was named, if it is ours. One that is not (behind a NAT) is announced only, and
// so is none.
Result<io::Fd> Node::listen_on(uint16_t port, const io::ListenOptions& listen_options) {
  const Endpoint any_v6{*IpAddress::parse("::"), port};
  const Endpoint any_v4{*IpAddress::parse("0.0.0.0"), port};
  if (options_.ip) {
    Result<io::Fd> named = io::listen_tcp({*options_.ip, port}, listen_options);
    if (named) {
      source_ = options_.ip;
    }
    if (named || named.error().code == ErrorCode::conflict) {
      return named;
    }
  }
  Result<io::Fd> any = io::listen_tcp(any_v6, listen_options);
  if (!any && any.error().code != ErrorCode::conflict) {  // a kernel without IPv6
    return io::listen_tcp(any_v4, listen_options);
  }
  return any;
}

// One listening socket per shard on one port; the kernel spreads connections over them.
Result<std::vector<io::Fd>> Node::listen() {
  std::vector<io::Fd> listeners;
  const io::ListenOptions listen_options{.reuse_port = options_.shard_count > 1,
                                         .port_option = "--peer-port"};
  Result<io::Fd> first = listen_first(listen_options);
  if (!first) {
    return fail(first.error());
  }
  const std::optional<Endpoint> local = io::local_endpoint(first->get());
  ENSURE(local.has_value());
  listens_on_ = *local;
  listeners.push_back(std::move(*first));
  while (listeners.size() < options_.shard_count) {
    Result<io::Fd> next = io::listen_tcp(listens_on_, listen_options);
    if (!next) {
      return fail(next.error());
    }
    listeners.push_back(std::move(*next));
  }
  return listeners;
}

// All of them, or none.
Status Node::start_shards(const BitSet& have) {
  Status status = make_shards(have);
  for (size_t index = 0; status && index < threads_.size(); ++index) {
    status = threads_[index]->start();
  }
  if (!status) {
    threads_.clear();
    shard_.reset();
    return status;
  }
  shard_->start();
  heard_at_.assign(options_.shard_count, reactor_.now());
  return {};
}

Status Node::make_shards(const BitSet& have) {
  Result<std::vector<io::Fd>> listeners = listen();
  if (!listeners) {
    return fail(listeners.error());
  }
  if (options_.shard_count > 1) {
    ledger_ = std::make_unique<swarm::LeaseLedger>(have);
  }
  for (uint32_t index = 0; index < options_.shard_count; ++index) {
    const ShardOptions shard_options{
        .index = {index},
        .swarm = {.info_hash = options_.info_hash,
                  .peer_id = peer_id_,
                  .geometry = metainfo_.geometry,
                  .listen_port = listens_on_.port,
                  .is_closed = closed_.has_value(),
                  .leased = options_.shard_count > 1,
                  .rack = options_.rack},
        .memory_bytes = options_.memory_bytes / options_.shard_count,
        .source = source_,
        .closed = closed_,
        .is_encrypted = options_.is_encrypted,
        .rekey_bytes = options_.rekey_bytes,
        .seed = prng_.next(),
        .send_path = options_.send_path,
        .upload_limit = policy::RateLimit::share(options_.upload_limit, options_.shard_count),
        .download_limit = policy::RateLimit::share(options_.download_limit, options_.shard_count),
    };
    const Store::Access wanted =
        options_.direct_io ? Store::Access::write_direct : Store::Access::write;
    const Store::Access access = have.all() ? Store::Access::read : wanted;
    Result<Store> store = Store::open(metainfo_, options_.path, access, &lock_);
    if (!store) {
      return fail(store.error());
    }
    if (index == 0) {
      auto shard = Shard::create(reactor_, shard_options, metainfo_, std::move(*store), have,
                                 std::move((*listeners)[index]), *this);
      if (!shard) {
        return fail(shard.error());
      }
      shard_ = std::move(*shard);
    } else {
      auto thread = ShardThread::create(reactor_, shard_options, metainfo_, std::move(*store), have,
                                        std::move((*listeners)[index]), *this);
      if (!thread) {
        return fail(thread.error());
      }
      threads_.push_back(std::move(*thread));
    }
  }
  return {};
}

}  // namespace murder::node
