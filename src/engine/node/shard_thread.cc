#include "engine/node/shard_thread.h"
#include "engine/base/ensure.h"
#include "engine/base/thread_start.h"

#include <sched.h>

#include <utility>
#include <variant>

namespace murder::node {
namespace {

constexpr Duration outbox_wait = std::chrono::milliseconds(1);

// The calling thread stays on one of the cores this process may use, the one with this number among
// them. With fewer cores than shards nobody is pinned. Shard 0 never is: its thread starts those
// that unpack, and they would be bound to its core.
void pin_to_core(uint32_t number) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    return;
  }
  for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) {
      continue;
    }
    if (number == 0) {
      cpu_set_t only;
      CPU_ZERO(&only);
      CPU_SET(cpu, &only);
      sched_setaffinity(0, sizeof only, &only);  // refused in some containers: then it is free
      return;
    }
    --number;
  }
}

}  // namespace

ShardThread::ShardThread(io::Reactor& home, std::unique_ptr<io::Reactor> reactor, ShardIndex index,
                         ShardOutbox& home_outbox)
    : home_(home),
      index_(index.raw),
      reactor_(std::move(reactor)),
      home_outbox_(home_outbox),
      inbox_(*reactor_, callback<&ShardThread::inbox_ready>(this)),
      outbox_(home, callback<&ShardThread::outbox_ready>(this)),
      inbox_hook_(callback<&ShardThread::flush_inbox>(this)),
      outbox_hook_(callback<&ShardThread::flush_outbox>(this)) {}

Result<std::unique_ptr<ShardThread>> ShardThread::create(
    io::Reactor& home, const ShardOptions& options, const codec::Metainfo& metainfo, Store store,
    const BitSet& have, io::Fd listener, ShardOutbox& home_outbox) {
  auto reactor = io::Reactor::create({});
  if (!reactor) {
    return fail(reactor.error());
  }
  std::unique_ptr<ShardThread> made(
      new ShardThread(home, std::move(*reactor), options.index, home_outbox));
  auto shard = Shard::create(*made->reactor_, options, metainfo, std::move(store), have,
                             std::move(listener), *made);
  if (!shard) {
    return fail(shard.error());
  }
  made->shard_ = std::move(*shard);
  return made;
}

Status ShardThread::start() {
  ENSURE(shard_ != nullptr && !thread_.joinable());
  home_.add_turn_hook(inbox_hook_);
  return start_thread(thread_, [this] {
    pin_to_core(index_);
    shard_->start();
    reactor_->add_turn_hook(outbox_hook_);
    reactor_->run();
    while (!outbox_waiting_.empty()) {  // the home thread is behind
      reactor_->run_turn(outbox_wait);
    }
    outbox_hook_.remove();
    shard_.reset();  // what it has in flight belongs to this thread
  });
}

ShardThread::~ShardThread() {
  if (!thread_.joinable()) {
    return;
  }
  if (!is_told_to_stop_) {
    deliver(from_home::Stop{});
    home_.submit();
  }
  thread_.join();
}

void ShardThread::deliver(const FromHome& message) {
  is_told_to_stop_ = is_told_to_stop_ || std::holds_alternative<from_home::Stop>(message);
  if (!inbox_waiting_.empty() || !inbox_.post(home_, message)) {
    inbox_waiting_.push_back(message);
  }
}

void ShardThread::flush_inbox(io::TurnHook&) {
  while (!inbox_waiting_.empty() && inbox_.post(home_, inbox_waiting_.front())) {
    inbox_waiting_.pop_front();
  }
}

void ShardThread::inbox_ready(io::Notifier&) {
  while (const auto message = inbox_.take()) {
    shard_->deliver(*message);
  }
}

void ShardThread::post(const ShardReport& report) {
  if (!outbox_waiting_.empty() || !outbox_.post(*reactor_, report)) {
    outbox_waiting_.push_back(report);
  }
  if (std::holds_alternative<to_home::Stopped>(report.message)) {
    reactor_->stop();
  }
}

void ShardThread::flush_outbox(io::TurnHook&) {
  while (!outbox_waiting_.empty() && outbox_.post(*reactor_, outbox_waiting_.front())) {
    outbox_waiting_.pop_front();
  }
}

void ShardThread::outbox_ready(io::Notifier&) {
  while (const auto report = outbox_.take()) {
    home_outbox_.post(*report);
  }
}

}  // namespace murder::node
