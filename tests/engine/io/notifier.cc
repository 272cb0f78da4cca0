#include "engine/io/notifier.h"

#include <memory>
#include <thread>

#include "support.h"

using namespace murder;
using namespace murder::io;

namespace {

struct Listener {
  explicit Listener(Reactor& reactor)
      : reactor_(reactor), notifier(reactor, callback<&Listener::called>(this)) {}
  void called(Notifier&) {
    ++calls;
    reactor_.stop();
  }

 private:
  Reactor& reactor_;

 public:
  Notifier notifier;
  int calls = 0;
};

}  // namespace

TEST_CASE("another thread wakes a reactor that waits") {
  const auto reactor = make_reactor();
  for (int round = 0; round < 200; ++round) {
    Listener listener(*reactor);
    std::thread thread([&] { listener.notifier.notify(); });
    reactor->run();
    thread.join();
    CHECK(listener.calls == 1);
  }
}

TEST_CASE("many notifications before the handler runs are one call") {
  const auto reactor = make_reactor();
  Listener listener(*reactor);
  for (int count = 0; count < 100; ++count) {
    listener.notifier.notify();
  }
  reactor->run();
  reactor->run_turn(Duration::zero());
  CHECK(listener.calls == 1);
}

TEST_CASE("a notification before the first turn is not lost") {
  const auto producer = make_reactor();
  const auto consumer = make_reactor();
  Listener listener(*consumer);
  listener.notifier.notify_from(*producer);
  producer->run_turn(Duration::zero());
  consumer->run();
  CHECK(listener.calls == 1);
}

TEST_CASE("a reactor may notify itself") {
  const auto reactor = make_reactor();
  Listener listener(*reactor);
  listener.notifier.notify_from(*reactor);
  reactor->run();
  CHECK(listener.calls == 1);
}

TEST_CASE("only the notifier that was meant is called, and none that is gone") {
  const auto reactor = make_reactor();
  Listener first(*reactor);
  {
    Listener gone(*reactor);
    gone.notifier.notify();
  }
  Listener second(*reactor);
  second.notifier.notify();
  reactor->run();
  CHECK(first.calls == 0);
  CHECK(second.calls == 1);
}

TEST_CASE("a handler may free the notifier that would be called next") {
  const auto reactor = make_reactor();
  struct Chain {
    std::unique_ptr<Chain> next;
    Notifier notifier;
    int& calls;
    Chain(Reactor& on, int& count) : notifier(on, callback<&Chain::called>(this)), calls(count) {}
    void called(Notifier&) {
      ++calls;
      next.reset();
    }
  };
  int calls = 0;
  auto next = std::make_unique<Chain>(*reactor, calls);
  next->notifier.notify();
  Chain first(*reactor, calls);  // the last one made is called first
  first.next = std::move(next);
  first.notifier.notify();
  reactor->run_turn(Duration::zero());
  reactor->run_turn(Duration::zero());
  CHECK(calls == 1);
}
