// One announce at the tracker's table, without the network.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <string>

#include "engine/base/neighbour_bounds.h"
#include "tracker/peer_table.h"

using namespace murder;

namespace {

enum class Kind : uint8_t {
  stock,   // wants 50 peers
  joins,   // one of ours that is there anew
  stays,   // one of ours that has its neighbours
  in_rack  // one of ours that is there anew, in a rack of 40
};

class Announces {
 public:
  Announces(uint32_t peer_count, Kind kind) : kind_(kind), peer_count_(peer_count) {
    request_.left_bytes = 1;
    for (uint32_t peer = 0; peer < peer_count; ++peer) {
      announce(peer, codec::AnnounceEvent::started, 0);
    }
  }

  void again() {
    announce(prng_.below(peer_count_), codec::AnnounceEvent::none,
             kind_ == Kind::stays ? limits::neighbours.mean() : 0);
  }

  [[nodiscard]] const tracker::PeerTable& table() const { return table_; }
  [[nodiscard]] const codec::AnnounceReply& reply() const { return reply_; }

 private:
  void announce(uint32_t peer, codec::AnnounceEvent event, uint32_t neighbour_count) {
    const std::string_view head = "-MU0001-";
    std::copy(head.begin(), head.end(), request_.peer_id.bytes.begin());
    for (uint32_t index = 0; index < 4; ++index) {
      request_.peer_id.bytes[16 + index] = static_cast<uint8_t>(peer >> (8 * index));
    }
    request_.port = static_cast<uint16_t>(1 + peer % 60000);
    request_.event = event;
    if (kind_ == Kind::stock) {
      request_.peers_wanted = 50;
    } else {
      request_.neighbour_count = neighbour_count;
    }
    if (kind_ == Kind::in_rack) {
      request_.rack = "r" + std::to_string(peer / 40);
    }
    const std::array<uint8_t, 4> address = {10, 0, static_cast<uint8_t>(peer / 60000), 1};
    table_.announce(request_, IpAddress::from_v4(address), Instant{}, prng_, reply_);
  }

  Kind kind_;
  uint32_t peer_count_;
  tracker::PeerTable table_{{}};
  Prng prng_{1};
  codec::AnnounceRequest request_;
  codec::AnnounceReply reply_;
};

void announce(benchmark::State& state, Kind kind) {
  const auto peer_count = static_cast<uint32_t>(state.range(0));
  Announces announces(peer_count, kind);
  state.counters["bytes/peer"] = static_cast<double>(announces.table().memory_bytes()) / peer_count;
  for (auto _ : state) {
    announces.again();
    benchmark::DoNotOptimize(announces.reply().peers.data());
  }
}

// A whole fleet that comes, as it is for a tracker that starts anew; time for each of them.
void fleet_joins(benchmark::State& state, Kind kind) {
  const auto peer_count = static_cast<uint32_t>(state.range(0));
  for (auto _ : state) {
    const Announces announces(peer_count, kind);
    benchmark::DoNotOptimize(announces.reply().peers.data());
  }
  state.SetItemsProcessed(state.iterations() * peer_count);
}

BENCHMARK_CAPTURE(announce, stock, Kind::stock)->ArgName("peers")->Arg(100)->Arg(50'000);
BENCHMARK_CAPTURE(announce, joins, Kind::joins)->ArgName("peers")->Arg(100)->Arg(50'000);
BENCHMARK_CAPTURE(announce, stays, Kind::stays)->ArgName("peers")->Arg(100)->Arg(50'000);
BENCHMARK_CAPTURE(announce, in_rack, Kind::in_rack)->ArgName("peers")->Arg(100)->Arg(50'000);
BENCHMARK_CAPTURE(fleet_joins, joins, Kind::joins)->ArgName("peers")->Arg(50'000);
BENCHMARK_CAPTURE(fleet_joins, in_rack, Kind::in_rack)->ArgName("peers")->Arg(50'000);

}  // namespace

BENCHMARK_MAIN();
