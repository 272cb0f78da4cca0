#include "engine/node/acceptor.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "fake_kernel.h"

using namespace murder;
using namespace murder::test;
using namespace std::chrono_literals;
using node::Acceptor;

namespace {

struct AcceptorScene {
  AcceptorScene() : reactor(kernel.make_reactor()) {
    auto listener = io::listen_tcp({*IpAddress::parse("127.0.0.1"), 0}, {});
    REQUIRE(listener);
    listener_fd = listener->get();
    acceptor.emplace(*reactor, std::move(*listener), callback<&AcceptorScene::accepted>(this));
  }
  AcceptorScene(const AcceptorScene&) = delete;
  AcceptorScene& operator=(const AcceptorScene&) = delete;
  ~AcceptorScene() { acceptor.reset(); }

  void accepted(io::Fd socket, const Endpoint& remote) {
    sockets.push_back(std::move(socket));
    remotes.push_back(remote);
  }
  // Somebody connects; where from.
  Endpoint connect() {
    const auto endpoint = io::local_endpoint(listener_fd);
    REQUIRE(endpoint);
    auto client = io::open_tcp(*endpoint, std::nullopt);
    REQUIRE(client);
    const io::SocketAddress address = io::SocketAddress::from(*endpoint);
    REQUIRE(::connect(client->get(), address.get(), address.size_bytes) == 0);
    const int fd = ::accept4(listener_fd, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(fd >= 0);
    kernel.accepts(listener_fd, fd);
    const auto from = io::local_endpoint(client->get());
    REQUIRE(from);
    clients.push_back(std::move(*client));
    return *from;
  }
  [[nodiscard]] uint32_t accepts_in_flight() const { return kernel.pending(IORING_OP_ACCEPT); }
  void turns(int count = 5) {
    for (int turn = 0; turn < count; ++turn) {
      reactor->run_turn(Duration::zero());
    }
  }
  void pass(Duration duration) {
    const Instant end = reactor->now() + duration;
    while (reactor->now() < end) {
      reactor->run_turn(end - reactor->now());
    }
  }

  FakeKernel kernel;
  std::unique_ptr<io::Reactor> reactor;
  std::vector<io::Fd> clients;
  std::vector<io::Fd> sockets;
  std::vector<Endpoint> remotes;
  int listener_fd = -1;
  std::optional<Acceptor> acceptor;
};

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

TEST_CASE("each connection is handed out, with the address it came from") {
  AcceptorScene scene;
  const Endpoint early = scene.connect();
  scene.turns();
  CHECK(scene.remotes.empty());  // not before start()
  scene.acceptor->start();
  scene.turns();
  const Endpoint later = scene.connect();
  const Endpoint last = scene.connect();
  scene.turns();
  CHECK(scene.remotes == std::vector<Endpoint>{early, later, last});
  CHECK(scene.accepts_in_flight() == 1);
  CHECK_FALSE(scene.acceptor->is_idle());
}

TEST_CASE("what did not come over the internet is closed and not handed out") {
  AcceptorScene scene;
  scene.acceptor->start();
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const io::Fd other_end(ends[1]);
  scene.kernel.accepts(scene.listener_fd, ends[0]);
  scene.turns();
  CHECK(scene.remotes.empty());
  CHECK_FALSE(is_open(ends[0]));
  scene.connect();
  scene.turns();
  CHECK(scene.remotes.size() == 1);
}

TEST_CASE("without descriptors it takes a pause, and then what waited") {
  for (const int error_number : {EMFILE, ENFILE, ENOMEM, ECONNABORTED}) {
    CAPTURE(error_number);
    AcceptorScene scene;
    scene.acceptor->start();
    scene.kernel.accepts(scene.listener_fd, -error_number);
    scene.turns();
    scene.connect();
    scene.turns();
    CHECK(scene.accepts_in_flight() == 0);
    CHECK(scene.remotes.empty());
    scene.pass(99ms);
    CHECK(scene.accepts_in_flight() == 0);
    scene.pass(1ms);
    scene.turns();
    CHECK(scene.accepts_in_flight() == 1);
    CHECK(scene.remotes.size() == 1);
  }
}

TEST_CASE("after stop() nothing is handed out, also of what the kernel accepted meanwhile") {
  AcceptorScene scene;
  scene.acceptor->start();
  scene.turns();
  SUBCASE("the kernel cancels at once") {
    scene.acceptor->stop();
    scene.turns();
    CHECK(scene.acceptor->is_idle());
    scene.connect();
  }
  SUBCASE("it comes too late") {
    scene.kernel.cancels = FakeKernel::Cancel::never;
    scene.acceptor->stop();
    scene.turns();
    CHECK_FALSE(scene.acceptor->is_idle());
    scene.connect();
    scene.turns();
    scene.kernel.accepts(scene.listener_fd, -ECANCELED);
    scene.turns();
    CHECK(scene.acceptor->is_idle());
  }
  SUBCASE("in the pause after an error") {
    scene.kernel.accepts(scene.listener_fd, -EMFILE);
    scene.turns();
    scene.acceptor->stop();
    scene.connect();
    scene.pass(1s);
    CHECK(scene.acceptor->is_idle());
  }
  scene.turns();
  CHECK(scene.remotes.empty());
  CHECK(scene.accepts_in_flight() == 0);
}

TEST_CASE("the destructor waits until the kernel is done") {
  AcceptorScene scene;
  scene.acceptor->start();
  scene.turns();
  scene.acceptor.reset();
  CHECK(scene.accepts_in_flight() == 0);
  CHECK(scene.reactor->operations_in_flight() == 0);
}
