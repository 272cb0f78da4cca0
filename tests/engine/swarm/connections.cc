// Who is dialled, who may come in, who makes way: the connections of a swarm alone.
#include "engine/swarm/connections.h"

#include <doctest/doctest.h>

#include "part_bench.h"

using murder::Endpoint;
using murder::codec::Handshake;
using murder::swarm::CloseReason;
using murder::swarm::Connections;
using murder::swarm::Contributor;
using murder::swarm::Session;
using murder::swarm::SessionId;
using murder::swarm::SwarmConfig;
using murder::test::PartBench;
using namespace std::chrono_literals;

namespace {

SwarmConfig config_to_dial(uint32_t count) {
  SwarmConfig config = PartBench::config_of(8);
  config.sessions_to_dial = count;
  return config;
}

void name(Connections& connections, uint8_t first, uint8_t count) {
  for (uint8_t number = 0; number < count; ++number) {
    const Endpoint endpoint = PartBench::endpoint_of(static_cast<uint8_t>(first + number));
    connections.named({&endpoint, 1});
  }
}

Handshake handshake_from(uint8_t number) {
  Handshake handshake;
  handshake.peer_id.bytes[0] = number;
  return handshake;
}

}  // namespace

TEST_CASE("all that are named are dialled while they are few, of more than enough a half") {
  PartBench bench(config_to_dial(6));
  Connections connections(bench.context);
  SUBCASE("few") {
    name(connections, 1, 6);
    connections.dial_more(bench.now);
    CHECK(bench.sink.dialed.size() == 6);
  }
  SUBCASE("more than enough") {
    name(connections, 1, 7);
    connections.dial_more(bench.now);
    CHECK(bench.sink.dialed.size() == 3);
  }
  connections.dial_more(bench.now);
  CHECK(bench.context.sessions.dialing_count() == bench.sink.dialed.size());
}

TEST_CASE("who is dialled and named by a tracker is known as named, as is one that came before") {
  PartBench bench(config_to_dial(6));
  Connections connections(bench.context);
  const SessionId came = bench.open(1);
  CHECK(!bench.session(came).named);
  name(connections, 1, 1);
  CHECK(bench.session(came).named);
}

TEST_CASE("the last places are for those that a tracker named") {
  SwarmConfig config = config_to_dial(1);
  config.sessions_max = 32;  // two are spare, one of them for the named
  PartBench bench(config);
  Connections connections(bench.context);
  name(connections, 200, 1);
  for (uint8_t number = 1; number <= 31; ++number) {
    CHECK(!connections.accept(PartBench::endpoint_of(number), bench.now).is_none());
  }
  CHECK(connections.is_nearly_full());
  CHECK(connections.accept(PartBench::endpoint_of(32), bench.now).is_none());
  CHECK(!connections.accept(PartBench::endpoint_of(200), bench.now).is_none());
  CHECK(connections.accept(PartBench::endpoint_of(200), bench.now).is_none());
}

TEST_CASE("of a crowd at an address the one that was there longest without an exchange makes way") {
  PartBench bench(config_to_dial(1));
  Connections connections(bench.context);
  const murder::IpAddress address = PartBench::endpoint_of(1).address;
  const SessionId useful = bench.open(1);
  bench.session(useful).proven = true;
  const SessionId oldest = bench.open(1);
  bench.now += 3s;
  while (!connections.is_crowded(address, bench.now)) {
    REQUIRE(bench.context.sessions.size() < 32);
    bench.open(1);
  }
  bench.now += 3s;
  CHECK(!connections.is_crowded(PartBench::endpoint_of(2).address, bench.now));
  CHECK(connections.least_worth(&address, bench.now) == oldest);
  bench.context.sessions.closing(bench.session(oldest), CloseReason::too_many);
  CHECK(connections.least_worth(&address, bench.now) != oldest);
  CHECK(connections.least_worth(&address, bench.now) != useful);
}

TEST_CASE("a handshake is refused for another release, from ourselves, and from one that lied") {
  PartBench bench(config_to_dial(1));
  Connections connections(bench.context);
  const SessionId id = connections.accept(PartBench::endpoint_of(1), bench.now);
  const Session& session = bench.session(id);
  Handshake other = handshake_from(1);
  other.info_hash.bytes[0] = 1;
  CHECK(connections.judge(id, session, other).refusal == CloseReason::wrong_info_hash);
  CHECK(connections.judge(id, session, handshake_from(255)).refusal == CloseReason::self);
  CHECK(!connections.judge(id, session, handshake_from(1)).refusal);
  Contributor liar{.session = id, .remote = session.remote};
  liar.peer_id.bytes[0] = 1;
  connections.bar(liar, bench.now);
  CHECK(connections.judge(id, session, handshake_from(1)).refusal == CloseReason::barred);
  CHECK(!connections.judge(id, session, handshake_from(2)).refusal);  // another host there
}

TEST_CASE("of two connections that cross, both sides keep that of the larger peer id") {
  PartBench bench(config_to_dial(1));
  Connections connections(bench.context);
  name(connections, 1, 1);
  const SessionId came = bench.open(1);
  connections.dial_more(bench.now);
  REQUIRE(bench.sink.dialed.size() == 1);
  const SessionId dialed = bench.sink.dialed.front();
  // We are 255: the one that we dialled stays.
  const Connections::Verdict verdict =
      connections.judge(dialed, bench.session(dialed), handshake_from(1));
  CHECK(!verdict.refusal);
  CHECK(verdict.makes_way == came);
  SUBCASE("not when the other one is older") {
    bench.session(came).opened_at = bench.now - 3s;
    CHECK(connections.judge(dialed, bench.session(dialed), handshake_from(1)).refusal ==
          CloseReason::duplicate);
  }
}

TEST_CASE("where somebody lied who listens there nobody is dialled, elsewhere one may be") {
  PartBench bench(config_to_dial(6));
  Connections connections(bench.context);
  name(connections, 1, 2);
  Contributor liar{.remote = PartBench::endpoint_of(1), .listens_on = PartBench::endpoint_of(1)};
  connections.bar(liar, bench.now);
  connections.dial_more(bench.now);
  REQUIRE(bench.sink.dialed.size() == 1);
  CHECK(bench.session(bench.sink.dialed.front()).remote == PartBench::endpoint_of(2));
}

TEST_CASE("a peer whose key was used up is dialled again at once, by who dialled it before") {
  PartBench bench(config_to_dial(6));
  Connections connections(bench.context);
  name(connections, 1, 1);
  connections.dial_more(bench.now);
  const SessionId id = bench.sink.dialed.front();
  bench.context.sessions.dialed(bench.session(id));
  bench.context.sessions.opened(bench.session(id));
  bench.context.sessions.closing(bench.session(id), CloseReason::key_used_up);
  SUBCASE("the one that dialled") {
    connections.remember_end(bench.session(id), false, bench.now);
    bench.context.sessions.free(id);
    connections.dial_more(bench.now);
    CHECK(bench.sink.dialed.size() == 2);
  }
  SUBCASE("the other one leaves it the time to do so") {
    bench.session(id).outgoing = false;
    connections.remember_end(bench.session(id), false, bench.now);
    bench.context.sessions.free(id);
    connections.dial_more(bench.now);
    CHECK(bench.sink.dialed.size() == 1);
    connections.dial_more(bench.now + 3s);
    CHECK(bench.sink.dialed.size() == 2);
  }
}

TEST_CASE("with whom there is nothing to exchange is not dialled again soon, one that broke is") {
  PartBench bench(config_to_dial(6));
  Connections connections(bench.context);
  name(connections, 1, 1);
  connections.dial_more(bench.now);
  const SessionId id = bench.sink.dialed.front();
  bench.context.sessions.dialed(bench.session(id));
  bench.context.sessions.opened(bench.session(id));
  const Session over = bench.session(id);
  bool complete = false;
  SUBCASE("nothing to exchange") {
    complete = true;
  }
  SUBCASE("it broke") {}
  bench.context.sessions.closing(bench.session(id), CloseReason::connection_lost);
  connections.remember_end(bench.session(id), complete, bench.now);
  bench.context.sessions.free(id);
  connections.dial_more(bench.now + 60s);
  CHECK(bench.sink.dialed.size() == (complete ? 1 : 2));
}

TEST_CASE("check notices one that we dialled and do not know how") {
  PartBench bench(config_to_dial(6));
  Connections connections(bench.context);
  name(connections, 1, 1);
  connections.dial_more(bench.now);
  CHECK(connections.check() == "");
  bench.session(bench.sink.dialed.front()).listens_on.reset();
  CHECK(connections.check() == "it is not known where one listens that we dialled");
}
