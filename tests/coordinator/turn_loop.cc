#include "coordinator/turn_loop.h"

#include <doctest/doctest.h>

#include "engine/base/fd.h"
#include "fake_store.h"

using namespace murder;
using namespace murder::coordinator;
using namespace murder::control;

namespace {

constexpr Duration patience = std::chrono::seconds(20);

Report report_of(const std::string& host, Greeting greeting, uint64_t number) {
  Report report{.host = host, .apps = {{.app = "shop"}}, .greeting = greeting, .number = number};
  return report;
}

// Puts in what a test says, and writes down what happened.
class Bench final : public TurnOwner {
 public:
  explicit Bench(FakeDisk& disk) : loop(*reactor, *this, "own:8998") {
    auto started = StoreThread::start(*reactor, std::make_unique<FakeStore>(disk),
                                      callback<&TurnLoop::store_replied>(&loop));
    REQUIRE(started);
    store = std::move(*started);
    loop.begin(*store);
  }
  ~Bench() { loop.end(); }

  void publish(const std::string& tag) {
    publishes.push_back(tag);
    loop.wake();
  }
  void report(Report report) {
    reports.push_back(std::move(report));
    loop.wake();
  }
  template <typename Done>
  void run_until(Done&& done) {
    REQUIRE(reactor->run_until(
        [&] {
          reactor->skip_wait();
          return done();
        },
        patience));
  }
  void turn(int count) {
    for (int index = 0; index < count; ++index) {
      reactor->run_turn(std::chrono::milliseconds(1));
    }
  }
  [[nodiscard]] bool has(const std::string& event) const {
    return std::find(events.begin(), events.end(), event) != events.end();
  }

  Inputs put_in(Coordinator& machine, Moment moment) override {
    Inputs inputs;
    for (const std::string& tag : std::exchange(publishes, {})) {
      InfoHash hash;
      hash.bytes[0] = static_cast<uint8_t>(tag.back());
      const Status done = machine.publish("shop", tag, hash, tag.size(), "olga", moment);
      events.push_back("put " + tag + (done ? "" : " refused"));
      inputs.came = inputs.is_urgent = true;
    }
    for (const Report& report : std::exchange(reports, {})) {
      CHECK(machine.hear(report, "key of " + report.host, moment));
      inputs.came = true;
    }
    return inputs;
  }
  void settled(const Coordinator&, std::span<const Record> records) override {
    for (const Record& record : records) {
      if (const auto* published = std::get_if<ReleasePublished>(&record.what)) {
        events.push_back("settled " + published->tag);
      }
    }
  }
  void tell(const Coordinator& machine, AgentIndex agent) override {
    told = machine.wanted_for(agent);
    events.push_back("told " + machine.state().agent(agent).name);
  }
  void machine_began(const Coordinator&) override { events.push_back("began"); }
  void machine_lost(const Error& why) override { events.push_back("lost: " + why.text); }
  void follows(const std::string& leader) override { events.push_back("follows " + leader); }
  void store_replied(StoreReply) override {}
  void warn(const std::string&) override {}

  std::unique_ptr<io::Reactor> reactor = io::Reactor::create({}).value();
  TurnLoop loop;
  std::unique_ptr<StoreThread> store;
  std::vector<std::string> publishes;
  std::vector<Report> reports;
  std::vector<std::string> events;
  Wanted told;
};

}  // namespace

TEST_CASE("agents are told and operators answered when the records are on the disk") {
  FakeDisk disk;
  Bench bench(disk);
  bench.run_until([&] { return bench.has("began"); });
  CHECK(disk.line_count() == 1);
  disk.hold(true);
  bench.publish("v1");
  bench.report(report_of("w1", {.session = 7}, 1));
  bench.run_until([&] { return bench.loop.state() == TurnLoop::State::writing; });
  bench.publish("v2");
  bench.turn(20);
  CHECK(bench.has("put v1"));
  CHECK_FALSE(bench.has("settled v1"));
  CHECK_FALSE(bench.has("told w1"));
  CHECK_FALSE(bench.has("put v2"));  // the machine has what is not on the disk
  disk.hold(false);
  bench.run_until([&] { return bench.has("settled v2"); });
  const std::vector<std::string> expected = {"began",   "put v1", "settled v1",
                                             "told w1", "put v2", "settled v2"};
  CHECK(bench.events == expected);
  CHECK(disk.line_count() == 4);
}

TEST_CASE("what could not be written is dropped, and it begins again with what is on the disk") {
  FakeDisk disk;
  Bench bench(disk);
  bench.run_until([&] { return bench.has("began"); });
  bench.publish("v1");
  bench.run_until([&] { return bench.has("settled v1"); });
  disk.set_full(true);
  bench.publish("v2");
  bench.report(report_of("w1", {.session = 7}, 1));
  bench.run_until([&] { return bench.has("lost: the disk is full"); });
  CHECK_FALSE(bench.loop.leads());
  CHECK_FALSE(bench.has("told w1"));
  disk.set_full(false);
  bench.events.clear();
  bench.run_until([&] { return bench.has("began"); });
  bench.publish("v1");  // published already: it was read again
  bench.publish("v2");
  bench.run_until([&] { return bench.has("settled v2"); });
  CHECK_FALSE(bench.has("settled v1"));
  CHECK_FALSE(bench.has("told w1"));
}

TEST_CASE("one that does not lead waits, and follows until it does") {
  FakeDisk disk;
  disk.set_leads(false);
  Bench bench(disk);
  bench.run_until([&] { return bench.loop.state() == TurnLoop::State::following; });
  CHECK(bench.loop.leader() == "other:8998");
  CHECK(bench.has("follows other:8998"));
  CHECK(bench.loop.follows());
  bench.publish("v1");
  bench.turn(5);
  CHECK_FALSE(bench.has("put v1"));
  disk.set_leads(true);
  bench.run_until([&] { return bench.has("settled v1"); });
  CHECK_FALSE(bench.loop.follows());
  SUBCASE("and stops as soon as it has lost the lead") {
    disk.set_leads(false);
    bench.run_until([&] { return bench.has("lost: this coordinator does not lead any more"); });
    CHECK_FALSE(bench.loop.leads());
    bench.events.clear();
    // Who connected meanwhile learns of it.
    bench.run_until([&] { return bench.has("follows other:8998"); });
  }
}

TEST_CASE("an agent's reports are answered, the next one as heard") {
  FakeDisk disk;
  Bench bench(disk);
  bench.run_until([&] { return bench.has("began"); });
  bench.report(report_of("w1", {.session = 7}, 1));
  bench.run_until([&] { return bench.has("told w1"); });
  const Greeting greeting = bench.told.greeting;
  CHECK(greeting.session == 7);
  CHECK(greeting.number > 0);
  CHECK(bench.told.heard_number == 0);
  const size_t lines = disk.line_count();
  bench.events.clear();
  bench.report(report_of("w1", greeting, 2));
  bench.run_until([&] { return bench.has("told w1"); });
  CHECK(bench.told.heard_number == 2);
  CHECK(disk.line_count() == lines);  // nothing to write down
}

TEST_CASE("what an agent is told again waits for the disk as well") {
  FakeDisk disk;
  Bench bench(disk);
  bench.run_until([&] { return bench.has("began"); });
  bench.report(report_of("w1", {.session = 7}, 1));
  bench.run_until([&] { return bench.has("told w1"); });
  bench.events.clear();
  disk.hold(true);
  bench.publish("v1");
  bench.run_until([&] { return bench.loop.state() == TurnLoop::State::writing; });
  bench.loop.tell_again(AgentIndex{0});
  bench.turn(20);
  CHECK_FALSE(bench.has("told w1"));
  disk.hold(false);
  bench.run_until([&] { return bench.has("told w1"); });
}
