// Many connections from one address: how many of them there may be, and for whom there is room.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/policy/address_share.h"
#include "engine/swarm/bounds.h"
#include "recorder.h"

using murder::BlockRange;
using murder::Endpoint;
using murder::IpAddress;
using murder::codec::MessageType;
using murder::limits::connections_max;
using murder::policy::idle_connections_max;
using murder::swarm::CloseReason;
using murder::swarm::Session;
using murder::swarm::SessionId;
using murder::test::Bench;
using namespace std::chrono_literals;

namespace {

Endpoint at(const char* address, uint16_t port = 40000) {
  return {*IpAddress::parse(address), port};
}

// A bench whose peers come from any address, and whose transport closes what the swarm ends.
class Crowds {
 public:
  explicit Crowds(bool complete, bool is_closed = false) : bench(complete, 8, {}, is_closed) {}

  // None when it was turned away.
  SessionId come(const Endpoint& from, bool shakes_hands = true) {
    const SessionId id = bench.swarm().accept(from, bench.now);
    if (!id.is_none() && shakes_hands) {
      murder::codec::Handshake handshake{.fast_extension = true};
      handshake.peer_id.bytes[0] = static_cast<uint8_t>(++count_);
      handshake.peer_id.bytes[1] = static_cast<uint8_t>(count_ >> 8U);
      bench.swarm().received(id, handshake, bench.now);
    }
    close_ended();
    bench.check();
    if (!id.is_none()) {
      let_in_.push_back(id);
    }
    return id;
  }
  uint32_t come_many(const Endpoint& from, uint32_t count, bool shakes_hands = true) {
    uint32_t let_in = 0;
    for (uint32_t index = 0; index < count; ++index) {
      let_in += come(from, shakes_hands).is_none() ? 0 : 1;
    }
    return let_in;
  }
  void run(murder::Duration duration) {
    bench.run(duration);
    close_ended();
  }
  // It takes a piece and says that it has it.
  void exchange(SessionId id) {
    bench.say(id, {.type = MessageType::interested});
    for (uint32_t offset = 0; offset < bench.geometry.piece_bytes; offset += 16384) {
      const BlockRange block{{0}, offset, 16384};
      bench.say(id, MessageType::request, block);
      bench.swarm().block_sent(id, block.size_bytes, bench.now);
    }
    bench.say(id, {.type = MessageType::have, .piece = {0}});
  }
  uint32_t live_count() {
    uint32_t count = 0;
    for (const SessionId id : let_in_) {
      count += is_live(id) ? 1 : 0;
    }
    return count;
  }
  bool is_live(SessionId id) {
    const Session* session = bench.swarm().session(id);
    return session != nullptr && session->state != Session::State::closing;
  }

  Bench bench;

 private:
  void close_ended() {
    for (const auto& one : std::exchange(bench.sink.closed, {})) {
      CHECK(one.reason == CloseReason::too_many);
      bench.swarm().closed(one.session, bench.now);
    }
  }

  uint32_t count_ = 0;
  std::vector<SessionId> let_in_;
};

constexpr uint32_t share = 25;  // an eighth of connections_max

}  // namespace

// What 300 strangers do to a closed swarm, each at an address of its own: none proves anything.
TEST_CASE("in a closed swarm strangers take places of strangers only, however fast they come") {
  Crowds crowds(true, true);
  std::vector<SessionId> members;
  for (int number = 1; number <= 150; ++number) {
    members.push_back(crowds.come(at(fmt::format("10.1.0.{}", number).c_str())));
    crowds.run(10ms);
  }
  crowds.run(30s);  // nothing is exchanged
  for (int round = 0; round < 20; ++round) {
    for (int number = 1; number <= 300; ++number) {
      crowds.come(at(fmt::format("10.2.{}.{}", number / 250, number % 250).c_str()), false);
    }
    // Whoever comes in between, and proves who it is, stays.
    members.push_back(crowds.come(at(fmt::format("10.3.0.{}", round + 1).c_str())));
    crowds.run(1ms);
  }
  CHECK(std::all_of(members.begin(), members.end(),
                    [&](SessionId id) { return crowds.is_live(id); }));
  CHECK(crowds.live_count() > members.size());
  CHECK(crowds.live_count() <= members.size() + share);
}

TEST_CASE("in a full closed swarm a member that proves itself takes the place of one of no use") {
  Crowds crowds(true, true);
  for (uint32_t number = 1; number <= connections_max; ++number) {
    crowds.come(at(fmt::format("10.1.{}.{}", number / 250, number % 250).c_str()));
    crowds.run(10ms);
  }
  crowds.run(30s);
  const uint32_t before = crowds.live_count();
  const SessionId late = crowds.come(at("10.2.0.1"));
  REQUIRE_FALSE(late.is_none());
  CHECK(crowds.is_live(late));
  CHECK(crowds.live_count() <= before + 1);
  CHECK(crowds.live_count() < connections_max);
}

TEST_CASE("one address has an eighth of all places for connections that exchange nothing") {
  static_assert(share == connections_max / 8);
  for (const bool shakes_hands : {true, false}) {
    Crowds crowds(true);
    CHECK(crowds.come_many(at("10.0.0.1"), 260, shakes_hands) == share);
    CHECK_FALSE(crowds.come(at("10.0.0.2")).is_none());
    for (int round = 0; round < 20; ++round) {
      crowds.run(300ms);
      crowds.come_many(at("10.0.0.1"), 40, shakes_hands);
      CHECK(crowds.live_count() <= share + 1);
    }
    CHECK(crowds.bench.broken == "");
  }
}

TEST_CASE("of a crowd the oldest makes way for who comes from the same address") {
  Crowds crowds(true);
  const SessionId first = crowds.come(at("10.0.0.1"));
  crowds.run(300ms);
  CHECK(crowds.come_many(at("10.0.0.1"), share) == share);
  CHECK_FALSE(crowds.is_live(first));
  CHECK(crowds.come(at("10.0.0.1")).is_none());  // the others have just come
  crowds.run(300ms);
  CHECK_FALSE(crowds.come(at("10.0.0.1")).is_none());
  CHECK(crowds.live_count() == share);
}

TEST_CASE("hosts of a network of IPv6 are one crowd, those of two networks are two") {
  Crowds crowds(true);
  uint32_t let_in = 0;
  for (uint16_t host = 1; host < 200; ++host) {
    Endpoint from = at("2001:db8:0:1::");
    from.address.bytes[15] = static_cast<uint8_t>(host);
    from.address.bytes[8] = static_cast<uint8_t>(host * 7);
    let_in += crowds.come(from).is_none() ? 0 : 1;
  }
  CHECK(let_in == share);
  CHECK(crowds.come_many(at("2001:db8:0:2::1"), 60) == share);
}

TEST_CASE("many hosts behind one address are let in as those before them exchange something") {
  Crowds crowds(true);
  std::vector<SessionId> hosts;
  for (uint32_t host = 0; host < 150; ++host) {
    const SessionId id = crowds.come(at("192.0.2.1"));
    REQUIRE_FALSE(id.is_none());
    crowds.exchange(id);
    crowds.run(100ms);
    hosts.push_back(id);
  }
  CHECK(crowds.come_many(at("192.0.2.1"), 100) == share);
  crowds.run(2s);
  CHECK(crowds.come_many(at("192.0.2.1"), 100) <= share);
  CHECK(std::all_of(hosts.begin(), hosts.end(), [&](SessionId id) { return crowds.is_live(id); }));
  CHECK(crowds.bench.broken == "");
}

TEST_CASE("each host that a tracker named at an address may connect, up to a half of all places") {
  Crowds crowds(true);
  std::vector<Endpoint> named;
  for (uint16_t port = 1; port <= 20; ++port) {
    named.push_back(at("192.0.2.1", port));
  }
  crowds.bench.swarm().add_candidates(named, crowds.bench.now);
  CHECK(crowds.bench.sink.dialed.size() == 16);
  // Those that are dialled are of the crowd.
  CHECK(crowds.come_many(at("192.0.2.1"), 100) == idle_connections_max(20, connections_max) - 16);
}

TEST_CASE("the last places are for hosts that a tracker named, and unknown ones make way first") {
  Crowds crowds(true);
  const Endpoint named = at("10.9.9.9", 7000);
  crowds.bench.swarm().add_candidates(std::span(&named, 1), crowds.bench.now);
  crowds.bench.swarm().end(crowds.bench.sink.dialed.at(0), CloseReason::too_many, crowds.bench.now);
  const SessionId friendly = crowds.come(at("10.9.9.9"));
  REQUIRE_FALSE(friendly.is_none());
  uint32_t let_in = 0;
  for (uint32_t host = 1; host <= 250; ++host) {
    Endpoint from = at("10.0.1.0");
    from.address.bytes[15] = static_cast<uint8_t>(host);
    let_in += crowds.come(from).is_none() ? 0 : 1;
  }
  CHECK(let_in + 1 < connections_max);
  CHECK_FALSE(crowds.come(at("10.9.9.9")).is_none());
  crowds.run(1s);
  for (uint32_t host = 1; host <= 250; ++host) {
    Endpoint from = at("10.0.2.0");
    from.address.bytes[15] = static_cast<uint8_t>(host);
    crowds.come(from);
    crowds.run(100ms);
  }
  CHECK(crowds.is_live(friendly));
  CHECK(crowds.bench.broken == "");
}
