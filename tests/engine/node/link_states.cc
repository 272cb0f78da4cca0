// How links begin and end, whatever the kernel answers and when.
#include <cerrno>

#include "link_scene.h"

using namespace murder;
using namespace murder::test;
using node::PeerLink;

namespace {

const Endpoint remote{*IpAddress::parse("127.0.0.1"), 9};

std::vector<uint8_t> handshake() {
  std::vector<uint8_t> wire(codec::handshake_bytes);
  codec::encode_handshake({}, std::span(wire).first<codec::handshake_bytes>());
  return wire;
}

}  // namespace

TEST_CASE("a dialled link receives and sends once it is connected") {
  LinkScene scene({});
  scene.kernel.connects_are_held = true;
  PeerLink& link = scene.add_link();
  link.dial({}, remote);
  CHECK_FALSE(link.append(3).empty());
  scene.work.wants_flush(link);
  scene.turns();
  REQUIRE(scene.kernel.dialed.size() == 1);
  const int fd = scene.kernel.dialed[0].fd;
  CHECK(scene.kernel.pending(IORING_OP_SENDMSG) + scene.kernel.pending(IORING_OP_RECVMSG) == 0);
  scene.kernel.connects_are_held = false;
  scene.turns();
  CHECK(scene.kernel.pending_of(IORING_OP_RECVMSG, fd) == 1);
  scene.work.wants_flush(link);
  scene.turns();
  CHECK(scene.kernel.socket(fd).sent.size() == 3);
}

TEST_CASE("a dial that is refused ends, and the link dials again") {
  LinkScene scene({});
  PeerLink& link = scene.add_link();
  for (uint32_t round = 1; round <= 3; ++round) {
    scene.kernel.connect_result = -ECONNREFUSED;
    link.dial({}, remote);
    scene.turns();
    CHECK(scene.finished_count == round);
    CHECK(scene.kernel.socket(scene.kernel.dialed.back().fd).is_closed);
  }
  scene.kernel.connect_result = 0;
  link.dial({}, remote);
  scene.turns();
  CHECK(scene.kernel.pending_of(IORING_OP_RECVMSG, scene.kernel.dialed.back().fd) == 1);
}

TEST_CASE("a dial that is given up is free when the kernel is done with it") {
  for (const bool is_late : {false, true}) {
    CAPTURE(is_late);
    LinkScene scene({});
    scene.kernel.connects_are_held = true;
    scene.kernel.cancels = is_late ? FakeKernel::Cancel::never : FakeKernel::Cancel::at_once;
    PeerLink& link = scene.add_link();
    link.dial({}, remote);
    scene.turns();
    link.close();
    link.close();
    scene.turns();
    CHECK(scene.finished_count == (is_late ? 0 : 1));
    scene.kernel.connects_are_held = false;  // it is connected after all
    scene.turns();
    CHECK(scene.finished_count == 1);
    CHECK(scene.kernel.pending(IORING_OP_RECVMSG) == 0);
    CHECK(scene.kernel.socket(scene.kernel.dialed[0].fd).is_closed);
  }
}

TEST_CASE("the end of a connection, and its errors, end the link; what passes does not") {
  for (const int error_number : {0, ECONNRESET, ETIMEDOUT}) {
    CAPTURE(error_number);
    LinkScene scene({});
    const int fd = scene.adopt(scene.add_link());
    scene.kernel.socket(fd).receive_errors = {EINTR, EAGAIN, ECANCELED};
    scene.turns();
    CHECK(scene.finished_count == 0);
    CHECK(scene.kernel.pending_of(IORING_OP_RECVMSG, fd) == 1);
    if (error_number == 0) {
      scene.kernel.socket(fd).remote_closed = true;
    } else {
      scene.kernel.socket(fd).receive_errors = {error_number};
    }
    scene.turns();
    CHECK(scene.finished_count == 1);
    CHECK(scene.kernel.socket(fd).is_closed);
  }
}

TEST_CASE("what is no BitTorrent is closed at its first byte") {
  LinkScene scene({});
  const int fd = scene.adopt(scene.add_link());
  scene.kernel.socket(fd).incoming = {'G'};
  scene.turns();
  CHECK(scene.finished_count == 1);
}

TEST_CASE("a link that is used again has nothing of the connection before") {
  LinkScene scene({});
  PeerLink& link = scene.add_link();
  const std::vector<uint8_t> whole = handshake();
  for (const size_t cut : {size_t{1}, size_t{30}, codec::handshake_bytes, whole.size() + 2}) {
    CAPTURE(cut);
    int fd = scene.adopt(link);
    std::vector<uint8_t> begun = whole;
    begun.insert(begun.end(), {0, 0, 0, 5});  // the beginning of a message
    begun.resize(cut);
    scene.kernel.socket(fd).incoming = begun;
    CHECK_FALSE(link.append(100).empty());
    scene.kernel.socket(fd).window_bytes = 50;
    scene.work.wants_flush(link);
    scene.turns();
    link.close();
    scene.turns();
    const uint32_t finished = scene.finished_count;

    fd = scene.adopt(link);
    scene.kernel.socket(fd).incoming = whole;
    scene.turns();
    CHECK(scene.finished_count == finished);
    CHECK(scene.kernel.socket(fd).sent.empty());
    CHECK(scene.kernel.pending_of(IORING_OP_RECVMSG, fd) == 1);
    link.close();
    scene.turns();
  }
}

TEST_CASE("a link is not free while a receive is under way that was cancelled too late") {
  LinkScene scene({});
  PeerLink& link = scene.add_link();
  const int fd = scene.adopt(link);
  scene.kernel.cancels = FakeKernel::Cancel::never;
  link.close();
  scene.turns();
  CHECK(scene.finished_count == 0);
  CHECK_FALSE(scene.kernel.socket(fd).is_closed);
  scene.kernel.socket(fd).incoming = handshake();  // the kernel writes to the link's memory
  scene.turns();
  CHECK(scene.finished_count == 1);
  CHECK(scene.kernel.socket(fd).is_closed);
}
