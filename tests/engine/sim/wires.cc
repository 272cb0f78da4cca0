#include "engine/sim/wires.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t block_bytes = 100'000 - codec::piece_head_bytes;  // 100,000 on the wire

sim::Options two_racks() {
  sim::Options options;
  options.host_count = 4;
  options.latency = 1ms;
  options.rate = 100e6;  // a block takes 1 ms
  options.rack_size = 2;
  options.rack_uplink = 50e6;
  return options;
}

// Hosts 1 and 2 in one rack, 3 and 4 in another.
struct TwoRacks {
  TwoRacks() { sides.make_more(free); }

  sim::SideIndex connect(uint32_t near, uint32_t far) {
    const sim::SideIndex side = free.back();
    free.pop_back();
    sides.at(side) = sim::Side{};
    sides.at(side).host = near;
    sides.at(side).peer = far;
    sides.at(side).state = sim::Side::State::open;
    sim::Side& other = sides.at(sim::other_side(side));
    other = sim::Side{};
    other.host = far;
    other.peer = near;
    other.state = sim::Side::State::open;
    return side;
  }
  void order(sim::SideIndex side, Instant when, sim::WireOrder::Kind kind) {
    sim::Event event;
    event.kind = sim::EventKind::message;
    fleet.host(sides.at(side).host)
        .region->orders.push_back({.when = when,
                                   .side = side,
                                   .kind = kind,
                                   .block = {{0}, 0, block_bytes},
                                   .event = event});
  }
  // What comes of it up to `end`: kinds and times, in the order of the mail.
  std::vector<std::pair<sim::EventKind, Instant>> run_until(Instant end) {
    clock.horizon = end;
    wires.run(post);
    clock.now = end;
    std::vector<std::pair<sim::EventKind, Instant>> mails;
    post.take(0,
              [&](const sim::Mail& mail) { mails.emplace_back(mail.event.kind, mail.event.when); });
    return mails;
  }

  sim::Options options = two_racks();
  sim::Clock clock;
  Prng prng{1};
  sim::Fleet fleet{options, prng};
  sim::Sides sides;
  std::vector<sim::SideIndex> free;
  sim::Wires wires{options, clock, fleet, sides};
  sim::Post post{fleet};
};

using Kind = sim::WireOrder::Kind;
using Mails = std::vector<std::pair<sim::EventKind, Instant>>;

}  // namespace

TEST_CASE("a block leaves at the rate of the links, and both ends hear of it a latency later") {
  TwoRacks one;
  one.order(one.connect(1, 2), sim::run_start, Kind::block);
  CHECK(one.run_until(sim::run_start + 500us) ==
        Mails{{sim::EventKind::payload_begin, sim::run_start + 1ms}});
  CHECK(one.wires.next_at() == sim::run_start + 1ms);
  CHECK(one.run_until(sim::run_start + 2ms) ==
        Mails{{sim::EventKind::payload_end, sim::run_start + 2ms},
              {sim::EventKind::block_left, sim::run_start + 2ms}});
  CHECK(one.wires.block_count() == 1);
  CHECK(one.wires.next_at() == instant_never);
}

TEST_CASE("between racks the uplink is what holds a block back") {
  TwoRacks one;
  one.order(one.connect(1, 3), sim::run_start, Kind::block);
  (void)one.run_until(sim::run_start + 1ms);
  CHECK(one.wires.next_at() == sim::run_start + 2ms);
}

TEST_CASE("orders are taken by time, whatever their order in the region") {
  TwoRacks one;
  const sim::SideIndex side = one.connect(1, 2);
  one.order(side, sim::run_start + 200us, Kind::say);
  one.order(one.connect(2, 1), sim::run_start + 100us, Kind::say);
  CHECK(one.run_until(sim::run_start + 1ms) ==
        Mails{{sim::EventKind::message, sim::run_start + 1100us},
              {sim::EventKind::message, sim::run_start + 1200us}});
}

TEST_CASE("what is said behind a block waits for what the socket has taken of it") {
  TwoRacks one;
  one.options.socket_bytes = 50'000;
  const sim::SideIndex side = one.connect(1, 2);
  one.order(side, sim::run_start, Kind::block);
  one.order(side, sim::run_start + 100us,
            Kind::say);  // 10,000 bytes have left, 40,000 are before it
  const Mails mails = one.run_until(sim::run_start + 200us);
  REQUIRE(mails.size() == 2);
  CHECK(mails[1].first == sim::EventKind::message);
  CHECK(mails[1].second >= sim::run_start + 1499us);
  CHECK(mails[1].second <= sim::run_start + 1501us);
}

TEST_CASE("a connection that is cut sends no more, and one that is cut off takes no more") {
  TwoRacks one;
  const sim::SideIndex side = one.connect(1, 2);
  one.order(side, sim::run_start, Kind::block);
  one.order(side, sim::run_start, Kind::block);
  one.order(side, sim::run_start + 100us, Kind::cut);
  CHECK(one.run_until(sim::run_start + 5ms) ==
        Mails{{sim::EventKind::payload_begin, sim::run_start + 1ms}});
  CHECK(one.wires.network().flow_count() == 0);
  one.order(side, sim::run_start + 5ms, Kind::cut_off);
  one.order(side, sim::run_start + 6ms, Kind::block);
  CHECK(one.run_until(sim::run_start + 9ms).empty());
  CHECK(one.wires.block_count() == 0);
}

TEST_CASE("more blocks than a connection's window are a fault, and payload that arrives is seen") {
  TwoRacks one;
  const sim::SideIndex side = one.connect(1, 2);
  for (uint32_t count = 0; count < limits::send_window_blocks + 1; ++count) {
    one.order(side, sim::run_start, Kind::block);
  }
  (void)one.run_until(sim::run_start + 100us);
  CHECK(one.fleet.first_fault().empty());
  uint32_t arriving = 0;
  one.wires.each_arriving(one.fleet.host(2), [&](const sim::Side& found) {
    CHECK(&found == &one.sides.at(sim::other_side(side)));
    ++arriving;
  });
  CHECK(arriving == 1);
  one.order(side, sim::run_start + 200us, Kind::block);
  (void)one.run_until(sim::run_start + 300us);
  CHECK(one.fleet.first_fault().find("more blocks") != std::string::npos);
}
