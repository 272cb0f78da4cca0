// One announce at the tracker's table, without the network.
#include <benchmark/benchmark.h>

#include "tracker/peer_table.h"

using namespace murder;

namespace {

void announce(benchmark::State& state) {
  const auto peer_count = static_cast<uint32_t>(state.range(0));
  tracker::PeerTable table({});
  Prng prng(1);
  codec::AnnounceReply reply;
  const Instant now{};
  codec::AnnounceRequest request;
  request.left_bytes = 1;
  request.peers_wanted = 50;
  const auto announce_of = [&](uint32_t peer, codec::AnnounceEvent event) {
    for (uint32_t index = 0; index < 4; ++index) {
      request.peer_id.bytes[index] = static_cast<uint8_t>(peer >> (8 * index));
    }
    request.port = static_cast<uint16_t>(1 + peer % 60000);
    request.event = event;
    const std::array<uint8_t, 4> address = {10, 0, static_cast<uint8_t>(peer / 60000), 1};
    table.announce(request, IpAddress::from_v4(address), now, prng, reply);
  };
  for (uint32_t peer = 0; peer < peer_count; ++peer) {
    announce_of(peer, codec::AnnounceEvent::started);
  }
  for (auto _ : state) {
    announce_of(prng.below(peer_count), codec::AnnounceEvent::none);
    benchmark::DoNotOptimize(reply.peers.data());
  }
}
BENCHMARK(announce)->ArgName("peers")->Arg(100)->Arg(10'000)->Arg(50'000);

}  // namespace

BENCHMARK_MAIN();
