// What is said at the start of a session.
#include "engine/swarm/greeting.h"

#include <doctest/doctest.h>

#include "part_bench.h"

using murder::codec::decode_extension_handshake;
using murder::codec::ExtensionHandshake;
using murder::codec::MessageType;
using murder::swarm::Greeting;
using murder::swarm::SessionId;
using murder::swarm::SwarmConfig;
using murder::swarm::SwarmPolicy;
using murder::test::PartBench;

namespace {

ExtensionHandshake last_extensions(const PartBench& bench) {
  REQUIRE(!bench.sink.sent.empty());
  REQUIRE(bench.sink.sent.back().message.type == MessageType::extended);
  return decode_extension_handshake(bench.sink.sent.back().payload).value();
}

}  // namespace

TEST_CASE("what we have is said in one message, the shortest that the peer knows") {
  for (const bool complete : {false, true}) {
    CAPTURE(complete);
    PartBench bench(PartBench::config_of(8), complete);
    Greeting greeting(bench.context);
    const SessionId id = bench.open(1);
    greeting.send_pieces(id, bench.session(id));
    CHECK(bench.sink.said(id, MessageType::bitfield).size() == (complete ? 1 : 0));
    bench.session(id).fast_extension = true;
    greeting.send_pieces(id, bench.session(id));
    CHECK(bench.sink.said(id, MessageType::have_all).size() == (complete ? 1 : 0));
    CHECK(bench.sink.said(id, MessageType::have_none).size() == (complete ? 0 : 1));
    if (!complete) {
      bench.context.pieces.mark_have({3});
    }
    greeting.send_pieces(id, bench.session(id));
    CHECK(bench.sink.said(id, MessageType::bitfield).size() == 1);
  }
}

TEST_CASE(
    "our own kind hears of grants, our rack and a free slot, nobody does where all is classic") {
  SwarmConfig config = PartBench::config_of(8);
  config.rack = "r1";
  SUBCASE("grants") {}
  SUBCASE("classic") {
    config.policy = SwarmPolicy::classic;
  }
  PartBench bench(config);
  Greeting greeting(bench.context);
  const SessionId id = bench.open(1);
  bench.session(id).extension_protocol = true;
  bench.session(id).grants.told_free = true;
  greeting.send_extensions(id, bench.session(id));
  const ExtensionHandshake said = last_extensions(bench);
  const bool grants = config.policy == SwarmPolicy::grant;
  CHECK((said.id_of(murder::codec::grant_extension_name) != 0) == grants);
  CHECK(said.free == grants);
  CHECK((said.rack == "r1") == grants);
  CHECK(bench.session(id).grants.knows_rack == grants);
  CHECK(said.listen_port == 6881);
  CHECK(!said.upload_only);
}
