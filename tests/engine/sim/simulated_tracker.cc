#include "engine/sim/simulated_tracker.h"

#include <doctest/doctest.h>

#include "engine/sim/addresses.h"

using namespace murder;
using namespace std::chrono_literals;

namespace {

struct Case {
  explicit Case(Duration announce_takes) {
    options.host_count = 3;
    options.latency = 1ms;
    options.announce_takes = announce_takes;
  }

  void announce(uint32_t host, Instant arrives) {
    auto talk = std::make_unique<sim::AnnounceTalk>();
    talk->host = host;
    talk->arrives = arrives;
    talk->request.peer_id.bytes[0] = static_cast<uint8_t>(host);
    talk->request.port = sim::listen_port;
    talk->request.left_bytes = 1;
    talk->request.peers_wanted = 10;
    fleet.host(host).region->announces.push_back(std::move(talk));
  }
  void run_window(Instant now) {
    clock.now = now;
    clock.horizon = now + options.latency;
    tracker.run(fleet, post);
  }
  // (host, when it hears, the peers it hears of) of each answer, and forgets them.
  struct Heard {
    uint32_t host;
    Instant when;
    size_t peers;
    bool operator==(const Heard&) const = default;
  };
  std::vector<Heard> heard() {
    std::vector<Heard> all;
    post.take(0, [&](const sim::Mail& mail) {
      const std::unique_ptr<sim::AnnounceTalk> talk(mail.event.carried<sim::AnnounceTalk>());
      all.push_back({mail.host, mail.event.when, talk->reply.peers.size()});
    });
    return all;
  }

  sim::Options options;
  sim::Clock clock;
  Prng prng{1};
  sim::Fleet fleet{options, prng};
  sim::Post post{fleet};
  sim::SimulatedTracker tracker{options, clock, Prng(2)};
};

constexpr Instant start = sim::run_start;

}  // namespace

TEST_CASE("what is announced in a window is answered in a later one, by the time it arrives") {
  Case one(0ms);
  one.announce(2, start + 1500us);
  one.announce(1, start + 1200us);
  one.run_window(start);
  CHECK(one.heard().empty());
  CHECK(one.tracker.next_at() == start + 1200us);
  one.run_window(start + 1ms);
  CHECK(one.heard() == std::vector<Case::Heard>{{1, start + 2200us, 0}, {2, start + 2500us, 1}});
  CHECK(one.tracker.next_at() == instant_never);
  CHECK(one.tracker.announce_count() == 2);
}

TEST_CASE("a tracker that needs time answers one after the other") {
  Case one(10ms);
  one.announce(1, start + 1ms);
  one.announce(2, start + 1ms);
  one.run_window(start);
  one.run_window(start + 1ms);
  CHECK(one.heard() == std::vector<Case::Heard>{{1, start + 12ms, 0}, {2, start + 22ms, 1}});
}

TEST_CASE("what nobody took is not leaked") {
  Case one(0ms);
  one.announce(1, start + 1ms);
  one.run_window(start);
  one.run_window(start + 1ms);
  one.announce(2, start + 2ms);
  one.run_window(start + 1ms);
  CHECK(one.tracker.announce_count() == 1);  // the sanitizers look for the rest
}
