// Links of a closed swarm on a fake kernel: what a stranger is sent, and when a link is given up.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "../../fleet_secrets.h"
#include "engine/node/link_proof.h"
#include "link_scene.h"

using namespace murder;
using namespace murder::test;
using node::LinkProof;

namespace {

trust::SwarmKeys keys_of(uint8_t fill) {
  return trust::swarm_keys_of(pair_of({fill}), InfoHash{});
}

LinkProof dialler(const trust::SwarmKeys& keys) {
  return {keys, LinkProof::Role::dialler, trust::Nonce{}};
}

template <typename Bytes>
void arrive(LinkScene& scene, int fd, const Bytes& bytes) {
  std::vector<uint8_t>& incoming = scene.kernel.socket(fd).incoming;
  incoming.insert(incoming.end(), bytes.begin(), bytes.end());
  scene.turns();
}

struct ClosedScene {
  trust::SwarmKeys keys = keys_of(1);
  LinkScene scene{{.closed = &keys}};
  node::PeerLink& link = scene.add_link();
  int fd = scene.adopt(link);

  std::vector<uint8_t>& sent() { return scene.kernel.socket(fd).sent; }
};

}  // namespace

TEST_CASE("a stranger is sent nothing, and his link ends by the first byte that is wrong") {
  const std::string_view plain = "\x13";
  for (const std::string_view first : {plain, std::string_view("murdeR"), std::string_view("G")}) {
    ClosedScene closed;
    arrive(closed.scene, closed.fd, first);
    CHECK(!closed.link.is_active());
    CHECK(closed.sent().empty());
  }
}

TEST_CASE("a hello by another key is sent nothing") {
  ClosedScene closed;
  const trust::SwarmKeys others = keys_of(2);
  const trust::Frame hello = dialler(others).hello();
  arrive(closed.scene, closed.fd, std::span(hello).first(hello.size() - 1));
  CHECK(closed.link.is_active());
  arrive(closed.scene, closed.fd, std::span(hello).last(1));
  CHECK(!closed.link.is_active());
  CHECK(closed.sent().empty());
}

TEST_CASE("a member is answered, however small the parts are that his hello comes in") {
  ClosedScene closed;
  LinkProof member = dialler(closed.keys);
  CHECK(!member.send(codec::Handshake{}));
  for (const uint8_t byte : member.hello()) {
    arrive(closed.scene, closed.fd, std::span(&byte, 1));
  }
  REQUIRE(closed.sent().size() == trust::frame_bytes);
  const LinkProof::Taken taken = member.take(closed.sent());
  CHECK(taken.is_right);
  REQUIRE(taken.sealed);
  arrive(closed.scene, closed.fd, *taken.sealed);
  CHECK(closed.link.is_active());
  CHECK(!closed.link.is_unproven(instant_never));
}

TEST_CASE("a link counts as unproven from its beginning until the key is proven") {
  ClosedScene closed;
  const Instant begun = closed.scene.reactor->now();
  CHECK(!closed.link.is_unproven(begun - std::chrono::seconds(1)));
  closed.scene.pass(std::chrono::seconds(1));
  CHECK(closed.link.is_unproven(begun));
  LinkProof member = dialler(closed.keys);
  arrive(closed.scene, closed.fd, member.hello());
  CHECK(closed.link.is_unproven(begun));
}

TEST_CASE("a slot that a stranger had is fresh for the next connection") {
  ClosedScene closed;
  LinkProof member = dialler(closed.keys);
  arrive(closed.scene, closed.fd, member.hello());
  const std::vector<uint8_t> first = closed.sent();
  arrive(closed.scene, closed.fd, std::vector<uint8_t>(LinkProof::sealed_bytes));
  REQUIRE(!closed.link.is_active());
  closed.scene.turns();
  const int next = closed.scene.adopt(closed.link);
  LinkProof again = dialler(closed.keys);
  arrive(closed.scene, next, again.hello());
  CHECK(closed.scene.kernel.socket(next).sent.size() == trust::frame_bytes);
  CHECK(closed.scene.kernel.socket(next).sent != first);  // a nonce is used once
}

TEST_CASE("without a key a link takes a plain handshake") {
  LinkScene scene({});
  node::PeerLink& link = scene.add_link();
  const int fd = scene.adopt(link);
  arrive(scene, fd, std::string_view("\x13"));
  CHECK(link.is_active());
  CHECK(!link.is_unproven(instant_never));
}
