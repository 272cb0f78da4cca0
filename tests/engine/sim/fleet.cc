#include "engine/sim/fleet.h"

#include <doctest/doctest.h>

#include "engine/sim/addresses.h"
#include "engine/sim/clock.h"
#include "engine/sim/post.h"

using namespace murder;
using namespace std::chrono_literals;

namespace {

sim::Options fleet_of(uint32_t hosts) {
  sim::Options options;
  options.host_count = hosts;
  options.geometry = {.total_bytes = 10 * 65536, .piece_bytes = 65536};
  return options;
}

sim::Event event_at(Instant when, sim::EventKind kind = sim::EventKind::tick) {
  sim::Event event;
  event.when = when;
  event.kind = kind;
  return event;
}

}  // namespace

TEST_CASE("the seeder has every piece and all others have none") {
  const sim::Options options = fleet_of(5);
  Prng prng(1);
  const sim::Fleet fleet(options, prng);
  REQUIRE(fleet.hosts().size() == 6);
  for (const auto& host : fleet.hosts()) {
    const uint32_t pieces = host->index == sim::seeder_index ? 10 : 0;
    CHECK(host->stored.count() == pieces);
    CHECK(host->verified.count() == pieces);
  }
}

TEST_CASE("each host is in one region, which are as many as are worth a thread") {
  for (const uint32_t hosts : {1U, 9U, 10U, 31U, 500U}) {
    sim::Options options = fleet_of(hosts);
    options.region_hosts_min = 5;
    Prng prng(1);
    sim::Fleet fleet(options, prng);
    CHECK(fleet.regions().size() <= sim::region_count_for(options));
    uint32_t next = 0;
    for (sim::Region& region : fleet.regions()) {
      CHECK(region.first_host == next);
      CHECK(region.outbox.size() == fleet.regions().size());
      for (uint32_t host = region.first_host; host < region.end_host; ++host) {
        CHECK(fleet.host(host).region == &region);
        CHECK(&fleet.regions()[fleet.region_of(host)] == &region);
      }
      next = region.end_host;
    }
    CHECK(next == hosts + 1);
  }
}

TEST_CASE("hosts stand in racks by their number, or as they are told, and the seeder in none") {
  sim::Options options = fleet_of(7);
  options.rack_size = 3;
  Prng prng(1);
  const sim::Fleet by_size(options, prng);
  CHECK(by_size.rack_count() == 3);
  CHECK(by_size.host(0).rack == sim::no_rack);
  CHECK(by_size.host(3).rack == 0);
  CHECK(by_size.host(4).rack == 1);
  options.racks = {4, sim::no_rack, 0, 0, 0, 0, 0};
  const sim::Fleet told(options, prng);
  CHECK(told.rack_count() == 5);
  CHECK(told.host(1).rack == 4);
  CHECK(told.host(2).rack == sim::no_rack);
  told.host(1).outside_bytes = 7;
  CHECK(told.rack_bytes() == std::vector<uint64_t>{0, 0, 0, 0, 7});
}

TEST_CASE("a share of the hosts is slow, and another share has slow disks") {
  sim::Options options = fleet_of(40);
  options.slow_share = 0.25;
  options.slow_disk_share = 0.5;
  options.slow_disk_factor = 0.1;
  Prng prng(1);
  const sim::Fleet fleet(options, prng);
  uint32_t slow = 0;
  uint32_t slow_disks = 0;
  for (const auto& host : fleet.hosts()) {
    slow += host->is_slow ? 1 : 0;
    slow_disks += host->disk_rate < options.disk_rate ? 1 : 0;
  }
  CHECK(slow == 10);
  CHECK(slow_disks == 20);
  CHECK_FALSE(fleet.host(sim::seeder_index).is_slow);
}

TEST_CASE("what regions count is added up, and the earliest fault is the first") {
  sim::Options options = fleet_of(20);
  options.region_hosts_min = 5;
  Prng prng(1);
  sim::Fleet fleet(options, prng);
  REQUIRE(fleet.regions().size() >= 2);
  for (sim::Region& region : fleet.regions()) {
    region.done_count = 2;
    region.unfinished_count = 3;
    region.stored_count = 5;
    region.counters.message_count = 7;
  }
  const auto regions = static_cast<uint32_t>(fleet.regions().size());
  CHECK(fleet.done_count() == 2 * regions);
  CHECK(fleet.unfinished_count() == 3 * regions);
  CHECK(fleet.stored_count() == uint64_t{5} * regions);
  CHECK(fleet.counters().message_count == uint64_t{7} * regions);
  fleet.regions().back().progressed_at = sim::run_start + 4s;
  CHECK(fleet.progressed_at() == sim::run_start + 4s);

  CHECK(fleet.first_fault().empty());
  fleet.host(1).now = sim::run_start + 3s;
  fleet.host(1).note_fault("late");
  fleet.host(20).now = sim::run_start + 2s;
  fleet.host(20).note_fault("early");
  fleet.host(20).note_fault("at the same time");
  CHECK(fleet.first_fault() == "at 2.000000 s host 20: early");
}

TEST_CASE("mail waits for its receiver's region") {
  sim::Options options = fleet_of(20);
  options.region_hosts_min = 5;
  Prng prng(1);
  sim::Fleet fleet(options, prng);
  sim::Post post(fleet);
  CHECK(post.next_at() == instant_never);
  post.deliver(20, event_at(sim::run_start + 2s));
  post.deliver(1, event_at(sim::run_start + 1s));
  post.deliver(20, event_at(sim::run_start + 3s));
  CHECK(post.next_at() == sim::run_start + 1s);
  std::vector<Instant> taken;
  const auto take = [&](const sim::Mail& mail) {
    CHECK(mail.host == 20);
    taken.push_back(mail.event.when);
  };
  post.take(fleet.region_of(20), take);
  post.take(fleet.region_of(20), take);
  CHECK(taken == std::vector<Instant>{sim::run_start + 2s, sim::run_start + 3s});
  post.all_taken();
  CHECK(post.next_at() == instant_never);
}

TEST_CASE("a host has an address, and an address that is nobody's has no host") {
  for (const uint32_t host : {0U, 1U, 254U, 255U, 65535U, 999'999U}) {
    CHECK(sim::host_at(sim::endpoint_of(host), 1'000'000) == host);
  }
  CHECK(sim::host_at(sim::endpoint_of(5), 5) == UINT32_MAX);
  CHECK(sim::host_at(*Endpoint::parse("10.0.0.0:6881"), 5) == UINT32_MAX);
  CHECK(sim::host_at(*Endpoint::parse("10.0.0.1:6882"), 5) == UINT32_MAX);
  CHECK(sim::host_at(*Endpoint::parse("11.0.0.1:6881"), 5) == UINT32_MAX);
  CHECK(sim::host_at(*Endpoint::parse("[2001:db8::1]:6881"), 5) == UINT32_MAX);
}
