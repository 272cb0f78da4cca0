// Full queues, late completions, and the end of a reactor with work in flight.
#include <liburing.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "engine/io/reactor.h"
#include "support.h"

using namespace murder;
using namespace murder::io;

TEST_CASE("many more operations than ring entries are all submitted and all complete") {
  const auto reactor = make_reactor({.ring_entries = 8, .operations_max = 4096});
  const SocketPair pair = make_pair();
  std::vector<std::unique_ptr<Recorder>> recorders;
  for (int count = 0; count < 3000; ++count) {
    recorders.push_back(std::make_unique<Recorder>());
    reactor->poll(recorders.back()->operation, pair.first.get(), POLLOUT);
  }
  CHECK(reactor->operations_free() == 4096 - 3000);
  REQUIRE(reactor->run_until([&] { return reactor->operations_in_flight() == 0; }, patience));
  for (const auto& recorder : recorders) {
    CHECK(recorder->completions.size() == 1);
  }
  CHECK(reactor->counters().late_completions == 0);
}

TEST_CASE("a completion nobody waits for is counted and dropped") {
  const auto reactor = make_reactor();
  const SocketPair pair = make_pair();
  Recorder polled;
  reactor->poll(polled.operation, pair.first.get(), POLLOUT);
  wait_for(*reactor, polled);
  // Slot 0, generation 1, kind poll: what has just completed, once more, sent by another ring.
  const uint64_t user_data = uint64_t{static_cast<uint8_t>(OperationKind::poll)} << 56U | 1;
  Recorder running;
  reactor->poll(running.operation, pair.first.get(), POLLIN);
  reactor->run_turn(Duration::zero());
  io_uring ring{};
  REQUIRE(io_uring_queue_init(4, &ring, 0) == 0);
  int ring_fd = -1;
  for (int fd = 3; fd < 1024; ++fd) {
    char path[64] = {};
    char target[64] = {};
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd != ring.ring_fd && readlink(path, target, sizeof target - 1) > 0 &&
        std::string_view(target) == "anon_inode:[io_uring]") {
      ring_fd = fd;
    }
  }
  REQUIRE(ring_fd >= 0);
  io_uring_sqe* sqe = io_uring_get_sqe(&ring);
  io_uring_prep_msg_ring(sqe, ring_fd, 1, user_data, 0);
  REQUIRE(io_uring_submit_and_wait(&ring, 1) == 1);
  io_uring_queue_exit(&ring);
  REQUIRE(reactor->run_until([&] { return reactor->counters().late_completions == 1; }, patience));
  CHECK(running.completions.empty());
  CHECK(running.operation.in_flight());
  reactor->cancel(running.operation);
  CHECK(wait_for(*reactor, running) == -ECANCELED);
}

TEST_CASE("the end of a reactor cancels what orphans have in flight, and they free themselves") {
  struct Orphan {
    int& live;
    Operation operation{callback<&Orphan::done>(this)};
    void done(Operation&, int32_t result, uint32_t) {
      CHECK(result == -ECANCELED);
      --live;
      delete this;
    }
  };
  const SocketPair pair = make_pair();
  int live = 0;
  {
    const auto reactor = make_reactor();
    for (int count = 0; count < 10; ++count) {
      ++live;
      auto* orphan = new Orphan{.live = live};
      reactor->poll(orphan->operation, pair.first.get(), POLLIN);
    }
    reactor->run_turn(Duration::zero());
    CHECK(live == 10);
  }
  CHECK(live == 0);
}

TEST_CASE("a reactor without turns goes without a trace") {
  const uint32_t descriptors_before = open_descriptor_count();
  for (int count = 0; count < 20; ++count) {
    make_reactor();
  }
  CHECK(open_descriptor_count() == descriptors_before);
}
