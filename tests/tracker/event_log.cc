#include "tracker/event_log.h"

#include <doctest/doctest.h>

#include "tracker/bounds.h"
#include "tracker/peer_table.h"
#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;
using codec::AnnounceEvent;
using codec::AnnounceRequest;

namespace {

struct LoggedSwarms {
  PeerTable table{{.hash_seed = 5, .keeps_events = true}};
  Prng prng{1};
  Instant now = start;

  void announce(uint32_t number, uint64_t left_bytes, AnnounceEvent event = AnnounceEvent::none) {
    codec::AnnounceReply reply;
    table.announce({.info_hash = hash_number(1),
                    .peer_id = own_peer(number),
                    .port = 6881,
                    .left_bytes = left_bytes,
                    .event = event,
                    .name = "v42.tar.zst",
                    .host = "w" + std::to_string(number)},
                   v4_number(number), now, prng, reply);
  }

  std::vector<TrackerEvent> of(TrackerEventKind kind) {
    std::vector<TrackerEvent> found;
    for (TrackerEvent& event : table.take_events().events) {
      if (event.kind == kind) {
        found.push_back(std::move(event));
      }
    }
    return found;
  }
};

}  // namespace

TEST_CASE("a release is told once, with the host that announced it first") {
  LoggedSwarms fixture;
  fixture.announce(1, 0, AnnounceEvent::started);
  fixture.announce(2, 100, AnnounceEvent::started);
  const auto events = fixture.of(TrackerEventKind::release_announced);
  REQUIRE(events.size() == 1);
  CHECK(events[0].release == "v42.tar.zst");
  CHECK(events[0].host == "w1");
  CHECK(events[0].endpoint.address == v4_number(1));
}

TEST_CASE("a host that finished is told once, however often it says so") {
  LoggedSwarms fixture;
  fixture.announce(2, 100, AnnounceEvent::started);
  fixture.announce(3, 100, AnnounceEvent::started);
  fixture.announce(2, 0, AnnounceEvent::completed);
  fixture.announce(2, 0, AnnounceEvent::completed);
  const auto events = fixture.of(TrackerEventKind::host_done);
  REQUIRE(events.size() == 1);
  CHECK(events[0].host == "w2");
  CHECK(events[0].done_count == 1);
  CHECK(events[0].fetch_count == 1);
}

TEST_CASE("a release is complete when the last host finished, and again after later ones") {
  LoggedSwarms fixture;
  fixture.announce(1, 0, AnnounceEvent::started);
  fixture.table.sweep(fixture.now, 100);
  CHECK(fixture.of(TrackerEventKind::release_complete).empty());  // nobody fetched it yet
  fixture.announce(2, 100, AnnounceEvent::started);
  fixture.announce(3, 100, AnnounceEvent::started);
  fixture.announce(2, 0, AnnounceEvent::completed);
  fixture.table.sweep(fixture.now, 100);
  CHECK(fixture.of(TrackerEventKind::release_complete).empty());
  fixture.announce(3, 0, AnnounceEvent::completed);
  fixture.table.sweep(fixture.now, 100);
  const auto events = fixture.of(TrackerEventKind::release_complete);
  REQUIRE(events.size() == 1);
  CHECK(events[0].done_count == 2);
  fixture.table.sweep(fixture.now, 100);
  CHECK(fixture.of(TrackerEventKind::release_complete).empty());
  fixture.announce(4, 100, AnnounceEvent::started);
  fixture.announce(4, 0, AnnounceEvent::completed);
  fixture.table.sweep(fixture.now, 100);
  CHECK(fixture.of(TrackerEventKind::release_complete).size() == 1);
}

TEST_CASE("a host that falls silent while it fetches is told, one that finished is not") {
  LoggedSwarms fixture;
  fixture.announce(2, 100, AnnounceEvent::started);
  fixture.announce(3, 100, AnnounceEvent::started);
  fixture.announce(3, 0, AnnounceEvent::completed);
  fixture.now += std::chrono::hours(1);
  fixture.table.sweep(fixture.now, 100);
  const auto events = fixture.of(TrackerEventKind::host_lost);
  REQUIRE(events.size() == 1);
  CHECK(events[0].host == "w2");
  CHECK(events[0].left_bytes == 100);
}

TEST_CASE("what a full table refuses is told once a minute") {
  LoggedSwarms fixture;
  fixture.table.set_bounds(1, 1);
  for (uint32_t number = 1; number < 10; ++number) {
    fixture.announce(number, 100, AnnounceEvent::started);
  }
  CHECK(fixture.of(TrackerEventKind::announce_refused).size() == 1);
}

TEST_CASE("more events than fit are counted") {
  EventLog log(true);
  for (uint32_t number = 0; number < limits::tracker_events_max + 7; ++number) {
    log.add({});
  }
  const EventLog::Taken taken = log.take();
  CHECK(taken.events.size() == limits::tracker_events_max);
  CHECK(taken.dropped_count == 7);
  CHECK(log.take().events.empty());
}

TEST_CASE("without a reader nothing is kept") {
  EventLog log(false);
  log.add({});
  CHECK(log.take().events.empty());
}

TEST_CASE("a new table of racks holds from a host's next announce on") {
  LoggedSwarms fixture;
  fixture.announce(1, 100, AnnounceEvent::started);
  CHECK(fixture.table.find(hash_number(1))->progress(0, 9).racks.empty());
  fixture.table.set_racks(RackTable::parse("10.0.0.0/8 r7\n", "racks").value());
  fixture.announce(1, 100);
  const SwarmProgress progress = fixture.table.find(hash_number(1))->progress(0, 9);
  REQUIRE(progress.racks.size() == 1);
  CHECK(progress.racks[0].name == "r7");
}
