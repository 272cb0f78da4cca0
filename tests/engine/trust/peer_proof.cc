#include "engine/trust/peer_proof.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "../../fleet_secrets.h"
#include "engine/trust/hmac.h"

using namespace murder;
using namespace murder::trust;
using Role = PeerProof::Role;

namespace {

Nonce nonce(uint8_t fill) {
  Nonce made{};
  made.fill(fill);
  return made;
}

SwarmKeys keys_of(std::initializer_list<uint8_t> fleet, uint8_t info_hash = 1) {
  InfoHash hash;
  hash.bytes.fill(info_hash);
  return swarm_keys_of(murder::test::pair_of(fleet), hash);
}

std::array<uint8_t, sealed_handshake_bytes> handshake(uint8_t fill) {
  std::array<uint8_t, sealed_handshake_bytes> made{};
  made.fill(fill);
  return made;
}

// Whether both come to accept each other's handshakes.
bool prove(const SwarmKeys& dialler_keys, const SwarmKeys& acceptor_keys) {
  PeerProof dialler(dialler_keys, Role::dialler, nonce(1));
  PeerProof acceptor(acceptor_keys, Role::acceptor, nonce(2));
  const std::optional<Frame> answer = acceptor.answer(dialler.hello());
  if (!answer || !dialler.take_answer(*answer)) {
    return false;
  }
  return acceptor.is_sealed(dialler.seal(handshake(3)), handshake(3)) &&
         dialler.is_sealed(acceptor.seal(handshake(4)), handshake(4));
}

}  // namespace

TEST_CASE("peers with one key of a fleet and swarm prove it to each other") {
  CHECK(prove(keys_of({1}), keys_of({1})));
}

TEST_CASE("another fleet key or another swarm proves nothing") {
  CHECK(!prove(keys_of({1}), keys_of({2})));
  CHECK(!prove(keys_of({1}, 1), keys_of({1}, 2)));
}

TEST_CASE("each step of a rotation works with the step before it") {
  const std::array steps = {keys_of({1}), keys_of({1, 2}), keys_of({2, 1}), keys_of({2})};
  for (size_t step = 0; step + 1 < steps.size(); ++step) {
    CHECK(prove(steps[step], steps[step + 1]));
    CHECK(prove(steps[step + 1], steps[step]));
  }
  CHECK(!prove(steps[0], steps[3]));
  CHECK(!prove(steps[3], steps[0]));
}

TEST_CASE("the frames of version 1, for all versions to come") {
  const SwarmKeys keys = keys_of({1});
  PeerProof dialler(keys, Role::dialler, nonce(1));
  const Frame hello = dialler.hello();
  CHECK(std::string(hello.begin(), hello.begin() + 6) == "murder");
  CHECK(hello[6] == 0);
  CHECK(hello[7] == 1);
  CHECK(std::equal(hello.begin() + 8, hello.begin() + 40, nonce(1).begin()));
}

TEST_CASE("a hello with any bit flipped is refused") {
  const SwarmKeys keys = keys_of({1, 2});
  const Frame hello = PeerProof(keys, Role::dialler, nonce(1)).hello();
  for (size_t bit = 0; bit < 8 * hello.size(); ++bit) {
    Frame flipped = hello;
    flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    CHECK(!PeerProof(keys, Role::acceptor, nonce(2)).answer(flipped));
  }
}

TEST_CASE("a frame of another version is refused, though who made it has the key") {
  const SwarmKeys keys = keys_of({1});
  const auto remade = [&](size_t at, uint8_t value) {
    Frame hello = PeerProof(keys, Role::dialler, nonce(1)).hello();
    hello[at] = value;
    const auto mac = std::span(hello).last<mac_bytes>();
    std::ranges::copy(hmac_sha256(keys.keys[0].hello, std::span(hello).first(40)), mac.begin());
    return hello;
  };
  CHECK(PeerProof(keys, Role::acceptor, nonce(2)).answer(remade(7, 1)));
  CHECK(!PeerProof(keys, Role::acceptor, nonce(2)).answer(remade(7, 2)));
  CHECK(!PeerProof(keys, Role::acceptor, nonce(2)).answer(remade(7, 0)));
  CHECK(!PeerProof(keys, Role::acceptor, nonce(2)).answer(remade(6, 2)));  // the transport
  CHECK(!PeerProof(keys, Role::acceptor, nonce(2)).answer(remade(0, 'M')));
}

TEST_CASE("an answer with any bit flipped is refused") {
  const SwarmKeys keys = keys_of({1});
  PeerProof dialler(keys, Role::dialler, nonce(1));
  const Frame answer = *PeerProof(keys, Role::acceptor, nonce(2)).answer(dialler.hello());
  for (size_t bit = 0; bit < 8 * answer.size(); ++bit) {
    Frame flipped = answer;
    flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    CHECK(!dialler.take_answer(flipped));
  }
  CHECK(dialler.take_answer(answer));
}

TEST_CASE("a seal holds for one handshake, one side and one connection") {
  const SwarmKeys keys = keys_of({1});
  PeerProof dialler(keys, Role::dialler, nonce(1));
  PeerProof acceptor(keys, Role::acceptor, nonce(2));
  REQUIRE(dialler.take_answer(*acceptor.answer(dialler.hello())));
  const Mac seal = dialler.seal(handshake(3));
  for (size_t bit = 0; bit < 8 * sealed_handshake_bytes; ++bit) {
    auto flipped = handshake(3);
    flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    CHECK(!acceptor.is_sealed(seal, flipped));
  }
  for (size_t bit = 0; bit < 8 * seal.size(); ++bit) {
    Mac flipped = seal;
    flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    CHECK(!acceptor.is_sealed(flipped, handshake(3)));
  }
  CHECK(!dialler.is_sealed(seal, handshake(3)));  // its own, sent back

  // Recorded, and played to the next connection of the same acceptor.
  PeerProof next(keys, Role::acceptor, nonce(5));
  REQUIRE(next.answer(PeerProof(keys, Role::dialler, nonce(1)).hello()));
  CHECK(!next.is_sealed(seal, handshake(3)));
}

TEST_CASE("a frame that is sent back is no answer") {
  const SwarmKeys keys = keys_of({1});
  PeerProof dialler(keys, Role::dialler, nonce(1));
  CHECK(!dialler.take_answer(dialler.hello()));
}

TEST_CASE("an answer to another hello is refused") {
  const SwarmKeys keys = keys_of({1});
  PeerProof dialler(keys, Role::dialler, nonce(1));
  static_cast<void>(dialler.hello());
  PeerProof other(keys, Role::dialler, nonce(9));
  CHECK(!dialler.take_answer(*PeerProof(keys, Role::acceptor, nonce(2)).answer(other.hello())));
}

TEST_CASE("members of different transports find out, and agree on nothing else") {
  const SwarmKeys keys = keys_of({1});
  for (const Transport transport : {Transport::plain, Transport::tls}) {
    const Transport other = transport == Transport::plain ? Transport::tls : Transport::plain;
    PeerProof dialler(keys, Role::dialler, nonce(1), transport);
    PeerProof acceptor(keys, Role::acceptor, nonce(2), other);
    REQUIRE(dialler.take_answer(*acceptor.answer(dialler.hello())));
    CHECK(dialler.differs());
    CHECK(acceptor.differs());
    CHECK(acceptor.is_farewell(dialler.farewell()));
    CHECK(!acceptor.is_farewell(dialler.seal(handshake(3))));
  }
}

TEST_CASE("a transport that was changed on the way, or is unknown, is refused") {
  const SwarmKeys keys = keys_of({1});
  for (const uint8_t transport : {uint8_t{0}, uint8_t{2}, uint8_t{255}}) {
    Frame hello = PeerProof(keys, Role::dialler, nonce(1), Transport::tls).hello();
    hello[6] = transport;
    CHECK(!PeerProof(keys, Role::acceptor, nonce(2), Transport::plain).answer(hello));
    CHECK(!PeerProof(keys, Role::acceptor, nonce(2), Transport::tls).answer(hello));
  }
}

TEST_CASE("both sides of a connection have one key for TLS, and other connections others") {
  const SwarmKeys keys = keys_of({1});
  const auto key_of = [&](uint8_t dialler_nonce, uint8_t acceptor_nonce) {
    PeerProof dialler(keys, Role::dialler, nonce(dialler_nonce), Transport::tls);
    PeerProof acceptor(keys, Role::acceptor, nonce(acceptor_nonce), Transport::tls);
    REQUIRE(dialler.take_answer(*acceptor.answer(dialler.hello())));
    CHECK(!dialler.differs());
    CHECK(dialler.tls_key() == acceptor.tls_key());
    return dialler.tls_key();
  };
  CHECK(key_of(1, 2) == key_of(1, 2));
  CHECK(key_of(1, 2) != key_of(1, 3));
  CHECK(key_of(1, 2) != key_of(3, 2));
}

TEST_CASE("all keys of a swarm differ") {
  const SwarmKeys keys = keys_of({1, 2});
  std::vector<Secret> all;
  for (const SwarmKey& key : keys.all()) {
    all.insert(all.end(), {key.hello, key.answer, key.dialler_seal, key.acceptor_seal, key.tls});
  }
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}
