// A shard on its own thread, and the mailboxes between it and the home thread.
#pragma once

#include <deque>
#include <memory>
#include <thread>

#include "engine/base/result.h"
#include "engine/io/mailbox.h"
#include "engine/io/reactor.h"
#include "engine/node/shard.h"

namespace murder::node {

// Made, started and destroyed on the home thread. The destructor waits for the thread, which ends
// when its shard has stopped. Without deliver(stop) before, it gives that order itself, which is
// for a shard that just started: what the shard tells then is lost. Mailboxes are bounded; what
// does not fit waits in order on the sender's side.
class ShardThread final : public ShardOutbox {
 public:
  // `home_outbox` hears, on the home thread, what the shard has to tell.
  [[nodiscard]] static Result<std::unique_ptr<ShardThread>> create(
      io::Reactor& home, const ShardOptions& options, const codec::Metainfo& metainfo, Store store,
      const BitSet& have, io::Fd listener, ShardOutbox& home_outbox);
  ShardThread(const ShardThread&) = delete;
  ShardThread& operator=(const ShardThread&) = delete;
  ~ShardThread();

  // Error: no further thread can be started.
  [[nodiscard]] Status start();
  // Home thread.
  void deliver(const FromHome& message);

 private:
  static constexpr uint32_t mailbox_size = 1024;

  ShardThread(io::Reactor& home, std::unique_ptr<io::Reactor> reactor, ShardIndex index,
              ShardOutbox& home_outbox);

  void post(const ShardReport& report) override;  // the shard's thread
  void inbox_ready(io::Notifier& notifier);       // the shard's thread
  void outbox_ready(io::Notifier& notifier);      // home thread
  void flush_inbox(io::TurnHook& hook);           // home thread
  void flush_outbox(io::TurnHook& hook);          // the shard's thread

  io::Reactor& home_;
  uint32_t index_;
  std::unique_ptr<io::Reactor> reactor_;
  ShardOutbox& home_outbox_;
  io::Mailbox<FromHome, mailbox_size> inbox_;
  io::Mailbox<ShardReport, mailbox_size> outbox_;
  std::deque<FromHome> inbox_waiting_;
  std::deque<ShardReport> outbox_waiting_;
  io::TurnHook inbox_hook_;
  io::TurnHook outbox_hook_;
  std::unique_ptr<Shard> shard_;
  bool is_told_to_stop_ = false;
  std::thread thread_;
};

}  // namespace murder::node
