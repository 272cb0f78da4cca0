// What pages tell of the course of a release, and of whom the tracker has lost.
#include <doctest/doctest.h>

#include <string>

#include "tracker/snapshot.h"
#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;
using codec::AnnounceEvent;

namespace {

constexpr uint64_t size = 1'000'000;

struct Release {
  PeerTable table{{.hash_seed = 5}};
  Prng prng{1};
  Instant now = start;

  void announce(uint32_t number, uint64_t left_bytes, AnnounceEvent event = AnnounceEvent::none,
                bool is_source = false, const std::string& host = "") {
    codec::AnnounceReply reply;
    table.announce({.info_hash = hash_number(1),
                    .peer_id = own_peer(number),
                    .port = 6881,
                    .left_bytes = left_bytes,
                    .event = event,
                    .name = "v42",
                    .host = host.empty() ? "host-" + std::to_string(number) : host,
                    .total_bytes = size,
                    .is_source = is_source},
                   v4_number(number), now, prng, reply);
  }
  [[nodiscard]] SwarmLine line() const {
    return take_snapshot(table, now, {.lines_max = 9, .slowest_max = 9}).swarms.at(0);
  }
  [[nodiscard]] std::string json() const {
    return render_status_json(take_snapshot(table, now, {.lines_max = 9, .slowest_max = 9}));
  }
  [[nodiscard]] std::string page() const {
    return render_status_page(take_snapshot(table, now, {.lines_max = 9, .slowest_max = 9}));
  }
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the source is not one of the hosts that are done") {
  Release release;
  release.announce(1, 0, AnnounceEvent::started, true);
  CHECK(release.line().counts.source_count == 1);
  CHECK(release.line().done_count() == 0);
  CHECK(release.line().host_count() == 0);
  CHECK_FALSE(release.line().percent().has_value());
  release.announce(2, size);
  release.announce(3, size);
  CHECK(release.line().host_count() == 2);
  CHECK(release.line().percent() == 0U);
  release.announce(2, 0, AnnounceEvent::completed);
  CHECK(release.line().done_count() == 1);
  CHECK(release.line().percent() == 50U);
  CHECK(contains(release.json(), "\"sources\":1,\"done\":1,\"hosts\":2,\"percent\":50,"));
  CHECK(contains(release.page(), ">1 of 2<"));
}

TEST_CASE("a stock client that comes with everything is a source, one that finishes here is done") {
  Release release;
  codec::AnnounceReply reply;
  codec::AnnounceRequest request{
      .info_hash = hash_number(1), .peer_id = foreign_peer(1), .port = 1, .total_bytes = size};
  release.table.announce(request, v4_number(1), release.now, release.prng, reply);
  release.table.announce(request, v4_number(1), release.now, release.prng, reply);
  request.peer_id = foreign_peer(2);
  request.left_bytes = 5;
  release.table.announce(request, v4_number(2), release.now, release.prng, reply);
  request.left_bytes = 0;
  release.table.announce(request, v4_number(2), release.now, release.prng, reply);
  CHECK(release.line().counts.source_count == 1);
  CHECK(release.line().done_count() == 1);
}

TEST_CASE("a finished release shows 100 %, also when its hosts have left") {
  Release release;
  release.announce(1, 0, AnnounceEvent::started, true);
  release.announce(2, size);
  release.announce(3, size);
  release.now += 2s;
  release.announce(2, 0, AnnounceEvent::completed);
  release.announce(2, 0, AnnounceEvent::stopped);
  CHECK(release.line().percent() == 50U);
  release.announce(3, 1);
  CHECK(release.line().percent() == 99U);
  release.announce(3, 0, AnnounceEvent::completed);
  release.announce(3, 0, AnnounceEvent::stopped);
  CHECK(release.line().percent() == 100U);
  CHECK(release.line().done_count() == 2);
  CHECK(contains(release.page(), "100 %"));
}

TEST_CASE("bytes, rate, elapsed and remaining time of a release") {
  Release release;
  release.announce(1, 0, AnnounceEvent::started, true);
  release.now += 60s;
  for (uint64_t second = 0; second <= 5; ++second) {
    release.announce(2, size - second * 100'000);
    release.now += 1s;
  }
  const SwarmLine line = release.line();
  CHECK(line.delivered_bytes == 500'000);
  CHECK(line.rate_bytes_per_s > 80'000);
  CHECK(line.rate_bytes_per_s <= 100'000);
  REQUIRE(line.elapsed.has_value());
  CHECK(*line.elapsed == 6s);
  REQUIRE(line.remaining.has_value());
  CHECK(*line.remaining >= 5s);
  CHECK(*line.remaining < 7s);
  release.announce(2, 0, AnnounceEvent::completed);
  release.now += 100s;
  CHECK(release.line().elapsed == 6s);  // it has ended
  CHECK(release.line().rate_bytes_per_s == 0);
  CHECK_FALSE(release.line().remaining.has_value());
}

TEST_CASE("a rate falls when nothing comes any more, and does not outlive the round") {
  Release release;
  release.announce(2, size);
  release.now += 2s;
  release.announce(2, size / 2);
  CHECK(release.line().rate_bytes_per_s == 250'000);
  for (int second = 0; second < 15; ++second) {
    release.now += 1s;
    release.announce(2, size / 2);
  }
  CHECK(release.line().rate_bytes_per_s == 0);
  CHECK_FALSE(release.line().remaining.has_value());
}

TEST_CASE(
    "a host that falls silent is shown as lost, from when it is overdue, with how far it was") {
  Release release;
  release.announce(1, 0, AnnounceEvent::started, true);
  release.announce(2, size / 4, AnnounceEvent::none, false, "<b>\x1B[31m");
  release.announce(3, 0);
  CHECK(release.line().progress.lost_count == 0);
  release.now += 10s;
  release.announce(1, 0, AnnounceEvent::none, true);
  SwarmLine line = release.line();
  REQUIRE(line.progress.lost.size() == 1);
  CHECK(line.progress.lost[0].left_bytes == size / 4);
  CHECK(line.progress.slowest.empty());  // in one state only
  release.now += 300s;
  release.table.sweep(release.now, 1000);
  release.announce(1, 0, AnnounceEvent::none, true);
  line = release.line();
  CHECK(line.counts.leecher_count == 0);
  CHECK(line.progress.lost_count == 1);  // the source came back
  CHECK(contains(release.json(),
                 "{\"host\":\"<b>?[31m\",\"address\":\"10.0.0.2:6881\","
                 "\"left_bytes\":250000,\"is_source\":false,\"last_seen_s\":310.000}"));
  CHECK(contains(release.page(), "lost:"));
  CHECK(contains(release.page(), "&lt;b&gt;?[31m (75%, seen 5 min 10 s ago)"));
}

TEST_CASE("who says farewell, or comes back, is not lost, and the list is bounded") {
  Release release;
  release.announce(2, 5);
  release.announce(2, 5, AnnounceEvent::stopped);
  release.announce(3, 5);
  release.now += 300s;
  release.table.sweep(release.now, 1000);
  REQUIRE(release.line().progress.lost_count == 1);
  codec::AnnounceReply reply;
  release.table.announce({.info_hash = hash_number(1),
                          .peer_id = own_peer(77),
                          .port = 7777,
                          .left_bytes = 5,
                          .host = "host-3"},
                         v4_number(3), release.now, release.prng, reply);
  CHECK(release.line().progress.lost_count == 0);
  for (uint32_t number = 100; number < 300; ++number) {
    release.announce(number, 5);
  }
  release.now += 300s;
  release.table.sweep(release.now, 1000);
  release.table.sweep(release.now, 1000);
  CHECK(release.line().counts.leecher_count == 0);
  CHECK(release.line().progress.lost_count == 201);
  CHECK(release.line().progress.lost.size() == 9);
  CHECK(take_snapshot(release.table, release.now, {.lines_max = 9, .slowest_max = 1000})
            .swarms[0]
            .progress.lost.size() == limits::lost_peers_max);
}
