#include "engine/node/link_cipher.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "cipher_end.h"

using namespace murder;
using namespace murder::test;
using Role = CipherEnd::Role;
using State = CipherEnd::State;
using Bytes = CipherEnd::Bytes;

namespace {

void converse(CipherEnd& dialler, CipherEnd& acceptor, size_t part = SIZE_MAX) {
  for (Bytes bytes = dialler.give(); !bytes.empty(); bytes = dialler.give()) {
    acceptor.take(bytes, part);
    dialler.take(acceptor.give(), part);
  }
}

struct Ends {
  explicit Ends(size_t part = SIZE_MAX) { converse(dialler, acceptor, part); }

  trust::SwarmKeys keys = swarm_keys({1});
  CipherEnd dialler{keys, Role::dialler, 1};
  CipherEnd acceptor{keys, Role::acceptor, 2};
};

Bytes text_bytes(size_t size) {
  Bytes bytes(size);
  for (size_t index = 0; index < size; ++index) {
    bytes[index] = static_cast<uint8_t>(index * 7 + index / 251);
  }
  return bytes;
}

}  // namespace

TEST_CASE("members open a link to each other, in parts of any size") {
  for (const size_t part : {size_t{1}, size_t{71}, size_t{5000}}) {
    Ends ends(part);
    REQUIRE(ends.dialler.cipher.is_open());
    REQUIRE(ends.acceptor.cipher.is_open());
    const Bytes sent = text_bytes(300'000);
    ends.acceptor.take(ends.dialler.give(sent), part == 1 ? 1000 : part);
    CHECK(ends.acceptor.data == sent);
  }
}

TEST_CASE("data goes where there is room for it, however little that is") {
  for (const size_t segment_bytes : {size_t{1}, size_t{13}, size_t{16384}, size_t{100'000}}) {
    Ends ends;
    ends.acceptor.segment_bytes = segment_bytes;
    const Bytes sent = text_bytes(segment_bytes == 1 ? 20'000 : 200'000);
    ends.acceptor.take(ends.dialler.give(sent));
    CHECK(ends.acceptor.data == sent);
  }
}

TEST_CASE("steps of a rotation work with the step before them, and no others") {
  const std::array steps = {swarm_keys({1}), swarm_keys({1, 2}), swarm_keys({2, 1}),
                            swarm_keys({2})};
  for (size_t one = 0; one < steps.size(); ++one) {
    for (size_t other = 0; other < steps.size(); ++other) {
      CipherEnd dialler(steps[one], Role::dialler, 1);
      CipherEnd acceptor(steps[other], Role::acceptor, 2);
      converse(dialler, acceptor);
      const bool is_near = one <= other + 1 && other <= one + 1;
      const bool shares_first =
          (one == 0 || one == 1) ? other != 3 : other != 0;  // the acceptor has the dialler's first
      CHECK(dialler.cipher.is_open() == shares_first);
      CHECK((!is_near || dialler.cipher.is_open()));
    }
  }
}

TEST_CASE("another fleet or another swarm is sent not a byte") {
  const trust::SwarmKeys keys = swarm_keys({1}, 1);
  for (const trust::SwarmKeys& others : {swarm_keys({2}, 1), swarm_keys({1}, 2)}) {
    CipherEnd dialler(others, Role::dialler, 1);
    CipherEnd acceptor(keys, Role::acceptor, 2);
    acceptor.take(dialler.give());
    CHECK(acceptor.cipher.state() == State::refused);
    CHECK(!acceptor.cipher.differs());
    CHECK(acceptor.give().empty());
    CHECK(dialler.cipher.is_unanswered());
  }
}

TEST_CASE("what passes in the clear is two frames of nonces and codes") {
  const trust::SwarmKeys keys = swarm_keys({1});
  CipherEnd dialler(keys, Role::dialler, 1);
  CipherEnd acceptor(keys, Role::acceptor, 2);
  const Bytes hello = dialler.give();
  CHECK(hello.size() == trust::frame_bytes);
  CHECK(std::string(hello.begin(), hello.begin() + 8) == std::string("murder\1\1", 8));
  acceptor.take(hello);
  const Bytes answer = acceptor.give();
  CHECK(answer.size() == trust::frame_bytes);
  dialler.take(answer);
  const Bytes next = dialler.give();
  REQUIRE(next.size() > 5);
  CHECK(next[0] == 22);  // a record of a handshake
  acceptor.take(next);
  dialler.take(acceptor.give());
  acceptor.take(dialler.give());
  const Bytes secret = text_bytes(5000);
  const Bytes records = dialler.give(secret);
  CHECK(records[0] == 23);
  CHECK(std::search(records.begin(), records.end(), secret.begin(), secret.begin() + 8) ==
        records.end());
}

TEST_CASE("a plain peer and an encrypted one part, knowing why, whoever dials") {
  const trust::SwarmKeys keys = swarm_keys({1});
  trust::PeerProof plain_dialler(keys, Role::dialler, nonce_of(1));
  CipherEnd acceptor(keys, Role::acceptor, 2);
  acceptor.take(plain_dialler.hello());
  const Bytes answer = acceptor.give();
  REQUIRE(answer.size() == trust::frame_bytes);
  REQUIRE(plain_dialler.take_answer(std::span(answer).first<trust::frame_bytes>()));
  CHECK(plain_dialler.differs());
  CHECK(acceptor.cipher.state() == State::proving);
  CHECK(!acceptor.cipher.differs());  // it may be a tracker
  acceptor.take(plain_dialler.farewell());
  CHECK(acceptor.cipher.state() == State::refused);
  CHECK(acceptor.cipher.differs());

  CipherEnd dialler(keys, Role::dialler, 1);
  trust::PeerProof plain_acceptor(keys, Role::acceptor, nonce_of(2));
  const Bytes hello = dialler.give();
  const auto plain_answer = plain_acceptor.answer(std::span(hello).first<trust::frame_bytes>());
  REQUIRE(plain_answer);
  CHECK(plain_acceptor.differs());
  dialler.take(*plain_answer);
  CHECK(dialler.cipher.state() == State::refused);
  CHECK(dialler.cipher.differs());
  CHECK(dialler.give().empty());
}

TEST_CASE("whatever follows a plain hello but a farewell, nothing plain is spoken") {
  const trust::SwarmKeys keys = swarm_keys({1});
  trust::PeerProof plain(keys, Role::dialler, nonce_of(1));
  CipherEnd acceptor(keys, Role::acceptor, 2);
  acceptor.take(plain.hello());
  const Bytes answer = acceptor.give();
  REQUIRE(plain.take_answer(std::span(answer).first<trust::frame_bytes>()));
  std::array<uint8_t, trust::sealed_handshake_bytes> handshake{};
  handshake[0] = 19;
  acceptor.take(plain.seal(handshake));
  CHECK(acceptor.cipher.state() == State::refused);
  CHECK(!acceptor.cipher.differs());
  CHECK(acceptor.give().empty());
}

TEST_CASE("a frame whose transport was changed on the way is refused") {
  const trust::SwarmKeys keys = swarm_keys({1});
  CipherEnd dialler(keys, Role::dialler, 1);
  CipherEnd acceptor(keys, Role::acceptor, 2);
  Bytes hello = dialler.give();
  hello[6] = 0;
  acceptor.take(hello);
  CHECK(acceptor.cipher.state() == State::refused);
  CHECK(acceptor.give().empty());
}

TEST_CASE("a recorded link is of no use against either side") {
  const trust::SwarmKeys keys = swarm_keys({1});
  CipherEnd dialler(keys, Role::dialler, 1);
  CipherEnd acceptor(keys, Role::acceptor, 2);
  std::vector<Bytes> from_dialler;
  std::vector<Bytes> from_acceptor;
  for (Bytes bytes = dialler.give(); !bytes.empty(); bytes = dialler.give()) {
    from_dialler.push_back(bytes);
    acceptor.take(bytes);
    from_acceptor.push_back(acceptor.give());
    dialler.take(from_acceptor.back());
  }
  REQUIRE(acceptor.cipher.is_open());
  CipherEnd again(keys, Role::acceptor, 3);
  for (const Bytes& bytes : from_dialler) {
    again.take(bytes);
  }
  CHECK(again.cipher.state() == State::refused);
  CipherEnd dialler_again(keys, Role::dialler, 4);
  dialler_again.take(from_acceptor[0]);
  CHECK(dialler_again.cipher.state() == State::refused);
}

TEST_CASE("an end that is announced is told from bytes that were changed") {
  Ends ends;
  const std::span<const uint8_t> goodbye = ends.dialler.cipher.goodbye();
  REQUIRE(!goodbye.empty());
  ends.acceptor.take(goodbye);
  CHECK(ends.acceptor.cipher.state() == State::ended);
  Ends others;
  Bytes records = others.dialler.give(text_bytes(100));
  records.back() ^= 1;
  others.acceptor.take(records);
  CHECK(others.acceptor.cipher.state() == State::failed);
  CHECK(others.acceptor.data.empty());
}
