// One announce at the tracker, without the network: at its table, and with the token that a closed
// one wants.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/neighbour_bounds.h"
#include "engine/trust/request_token.h"
#include "tracker/bounds.h"
#include "tracker/peer_table.h"
#include "tracker/service.h"

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

trust::FleetKeys bench_keys(uint8_t fill) {
  trust::FleetKeys keys;
  keys.fleet.secrets[0].fill(fill);
  keys.fleet.count = 1;
  return keys;
}

// Whose request the tracker answers.
enum class Asker : uint8_t { of_open, member, stranger, stranger_beside_deploys };

// The whole of it: who may ask, the announce as text, the table, the answer as text. A stranger has
// made a token with a key of his own; `beside_deploys`: the tracker knows as many keys as it may.
void answer(benchmark::State& state, Asker asker) {
  tracker::PeerTable table({});
  tracker::Service service(table, {.started_at = Instant{}, .random_seed = 1});
  const auto query = [asker](uint32_t peer) {
    const std::string target =
        "/announce?info_hash=%00%01aaaaaaaaaaaaaaaaaa&peer_id=-MU0001-" +
        std::to_string(100'000'000'000 + peer) + "&port=" + std::to_string(1 + peer) +
        "&uploaded=0&downloaded=0&left=5&compact=1&host=web1.example.net&size=65436&neighbours=16";
    const trust::TokenKeys tokens(bench_keys(asker == Asker::member ? 1 : 2));
    return asker == Asker::of_open ? target : tokens.signed_target(target, tracker::wall_clock_s());
  };
  if (asker != Asker::of_open) {
    service.gate().set_keys(bench_keys(1));
  }
  for (uint32_t deploy = 0;
       asker == Asker::stranger_beside_deploys && deploy < limits::deploy_keys_max; ++deploy) {
    const auto fill = static_cast<uint8_t>(100 + deploy);
    ENSURE(
        service.gate().deploys().add(std::to_string(deploy), bench_keys(fill).fleet.first(), {}));
  }
  std::vector<std::string> targets;
  for (uint32_t peer = 0; peer < 1000; ++peer) {
    targets.push_back(query(peer));
  }
  const std::array<uint8_t, 4> remote = {10, 0, 0, 1};
  size_t next = 0;
  for (auto _ : state) {
    const std::string_view target = targets[next++ % targets.size()];
    const size_t mark = target.find('?');
    const http::Response response =
        service.handle({.method = "GET",
                        .path = target.substr(0, mark),
                        .query = target.substr(mark + 1),
                        .remote = {.address = IpAddress::from_v4(remote), .port = 4000}},
                       Instant{});
    ENSURE(response.status == (asker == Asker::of_open || asker == Asker::member ? 200 : 403));
    benchmark::DoNotOptimize(response.body.data());
  }
}

BENCHMARK_CAPTURE(answer, open, Asker::of_open);
BENCHMARK_CAPTURE(answer, with_token, Asker::member);
BENCHMARK_CAPTURE(answer, wrong_token, Asker::stranger);
BENCHMARK_CAPTURE(answer, wrong_token_beside_64_deploys, Asker::stranger_beside_deploys);
BENCHMARK_CAPTURE(announce, stock, Kind::stock)->ArgName("peers")->Arg(100)->Arg(50'000);
BENCHMARK_CAPTURE(announce, joins, Kind::joins)->ArgName("peers")->Arg(100)->Arg(50'000);
BENCHMARK_CAPTURE(announce, stays, Kind::stays)->ArgName("peers")->Arg(100)->Arg(50'000);
BENCHMARK_CAPTURE(announce, in_rack, Kind::in_rack)->ArgName("peers")->Arg(100)->Arg(50'000);
BENCHMARK_CAPTURE(fleet_joins, joins, Kind::joins)->ArgName("peers")->Arg(50'000);
BENCHMARK_CAPTURE(fleet_joins, in_rack, Kind::in_rack)->ArgName("peers")->Arg(50'000);

}  // namespace

BENCHMARK_MAIN();
