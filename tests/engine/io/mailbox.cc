#include "engine/io/mailbox.h"

#include <memory>
#include <thread>
#include <vector>

#include "support.h"

using namespace murder;
using namespace murder::io;

namespace {

constexpr uint64_t message_count = 50'000;

using TestMailbox = Mailbox<uint64_t, 64>;

struct Consumer {
  explicit Consumer(Reactor& reactor)
      : reactor_(reactor), mailbox(reactor, callback<&Consumer::wake>(this)) {}
  void wake(Notifier&) {
    while (const std::optional<uint64_t> message = mailbox.take()) {
      in_order = in_order && *message == received;
      ++received;
    }
    if (received == message_count) {
      reactor_.stop();
    }
  }

 private:
  Reactor& reactor_;

 public:
  TestMailbox mailbox;
  uint64_t received = 0;
  bool in_order = true;
};

// Posts as much as fits in each turn.
struct Producer {
  Producer(Reactor& reactor, TestMailbox& mailbox) : reactor_(reactor), mailbox_(mailbox) {
    reactor.add_turn_hook(hook_);
    reactor.skip_wait();
  }
  void turn(TurnHook&) {
    while (sent_ < message_count && mailbox_.post(reactor_, sent_)) {
      ++sent_;
    }
    reactor_.skip_wait();
    if (sent_ == message_count && !last_turn_) {
      last_turn_ = true;  // the wake for the last message goes out with one more enter
    } else if (last_turn_) {
      reactor_.stop();
    }
  }

 private:
  Reactor& reactor_;
  TestMailbox& mailbox_;
  uint64_t sent_ = 0;
  bool last_turn_ = false;
  TurnHook hook_{callback<&Producer::turn>(this)};
};

}  // namespace

TEST_CASE("messages between two threads arrive once and in order, however full the mailbox gets") {
  const auto consumer_reactor = make_reactor();
  Consumer consumer(*consumer_reactor);
  std::thread thread([&] {
    const auto reactor = make_reactor();
    Producer producer(*reactor, consumer.mailbox);
    reactor->run();
  });
  consumer_reactor->run();
  thread.join();
  CHECK(consumer.received == message_count);
  CHECK(consumer.in_order);
}

TEST_CASE("a full mailbox refuses and keeps what it has") {
  const auto producer = make_reactor();
  const auto consumer = make_reactor();
  struct Nothing {
    void wake(Notifier&) {}
  } nothing;
  Mailbox<std::unique_ptr<int>, 2> mailbox(*consumer, callback<&Nothing::wake>(&nothing));
  CHECK(mailbox.post(*producer, std::make_unique<int>(1)));
  CHECK(mailbox.post(*producer, std::make_unique<int>(2)));
  CHECK_FALSE(mailbox.post(*producer, std::make_unique<int>(3)));
  CHECK(**mailbox.take() == 1);
  CHECK(mailbox.post(*producer, std::make_unique<int>(4)));
  CHECK(**mailbox.take() == 2);
  CHECK(**mailbox.take() == 4);
  CHECK_FALSE(mailbox.take());
}
