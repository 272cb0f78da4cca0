// Parsing a torrent, and one announce each way.
#include <benchmark/benchmark.h>

#include <vector>

#include "engine/codec/announce.h"
#include "engine/codec/metainfo.h"

using namespace murder;

namespace {

void parse_torrent(benchmark::State& state) {
  const auto piece_count = static_cast<uint64_t>(state.range(0));
  const std::vector<Sha1Digest> digests(piece_count);
  const std::string torrent = codec::encode_metainfo(
      {.name = "v42.tar.zst",
       .geometry = {.total_bytes = piece_count * 65536, .piece_bytes = 65536},
       .piece_digests = digests,
       .tracker_tiers = {{"http://tracker01:8998/announce"}}});
  for (auto _ : state) {
    benchmark::DoNotOptimize(codec::parse_metainfo(as_bytes_of(torrent)));
  }
}
BENCHMARK(parse_torrent)->ArgName("pieces")->Arg(1024)->Arg(65536);

void announce_query(benchmark::State& state) {
  codec::AnnounceRequest request;
  request.port = 6881;
  request.left_bytes = 1000;
  const std::string query = codec::encode_announce_query(request);
  for (auto _ : state) {
    benchmark::DoNotOptimize(codec::decode_announce_query(query));
  }
}
BENCHMARK(announce_query);

void announce_reply(benchmark::State& state) {
  codec::AnnounceReply reply{.interval_s = 30};
  for (uint16_t port = 1; port <= 50; ++port) {
    reply.peers.push_back({.endpoint = {*IpAddress::parse("10.0.0.1"), port}, .peer_id = {}});
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(codec::encode_announce_reply(reply, codec::PeerListForm::compact));
  }
}
BENCHMARK(announce_reply);

}  // namespace

BENCHMARK_MAIN();
