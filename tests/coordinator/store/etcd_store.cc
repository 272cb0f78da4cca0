// A state that several coordinators share: servers and coordinators that die, sleep, and answers
// that are lost or late.
#include "coordinator/store/etcd_store.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "child.h"
#include "coordinator/store/bounds.h"
#include "engine/base/monotonic_clock.h"
#include "engine/trust/base64.h"
#include "etcd_cluster.h"
#include "lossy_proxy.h"
#include "turns.h"

using namespace murder;
using namespace murder::store;

namespace {

std::unique_ptr<RecordStore> opened(const std::string& spec, Access access = Access::lead) {
  Result<std::unique_ptr<RecordStore>> store = open_store(spec, access);
  REQUIRE(store);
  return std::move(*store);
}

// Asks as a coordinator does that does not lead.
Duration time_until_it_leads(RecordStore& store) {
  const Instant begin = monotonic_now();
  while (store.try_lead("b:1") != true) {
    REQUIRE(monotonic_now() - begin < std::chrono::seconds(60));
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  return monotonic_now() - begin;
}

void wait_for_byte(int fd) {
  char byte = 0;
  REQUIRE(::read(fd, &byte, 1) == 1);
}

// The spec with one server only, which is the proxy.
std::string spec_of(const LossyProxy& proxy, const std::string& name) {
  return fmt::format("etcd:{}/{}", proxy.url(), name);
}

}  // namespace

TEST_CASE("a leader that slept cannot write once another leads") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  const std::string spec = shared_cluster().spec(unused_name());
  const Pipe leads;
  const Pipe awake;
  const pid_t sleeper = start_child([&] {
    const auto store = open_store(spec);
    if ((*store)->try_lead("a:1") != true || !(*store)->load() ||
        !(*store)->append(numbered(1, 2))) {
      return 1;
    }
    leads.acknowledge();
    char byte = 0;
    if (::read(awake.ends[0], &byte, 1) != 1) {
      return 2;
    }
    const Status late = (*store)->append(numbered(3, 3));
    if (late || late.error().code != ErrorCode::conflict || (*store)->is_leading()) {
      return 3;
    }
    return (*store)->leader_address() == "b:1" || (*store)->try_lead("a:1") == false ? 0 : 4;
  });
  wait_for_byte(leads.ends[0]);
  const auto second = opened(spec);
  CHECK(second->try_lead("b:1") == false);
  CHECK(second->leader_address() == "a:1");
  ::kill(sleeper, SIGSTOP);
  const Duration took = time_until_it_leads(*second);
  MESSAGE("another one led after ", seconds_of(took), " s");
  REQUIRE(second->load() == numbered(1, 2));
  REQUIRE(second->append(Lines{"third"}));
  ::kill(sleeper, SIGCONT);
  awake.acknowledge();
  CHECK(status_of(sleeper) == 0);
  CHECK(second->append(Lines{"fourth"}));
  CHECK(second->load() == Lines{"{\"record\":1}", "{\"record\":2}", "third", "fourth"});
}

TEST_CASE("killed at any moment, again and again, whole turns are there") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  const std::string spec = shared_cluster().spec(unused_name());
  Prng prng(22);
  uint64_t turns = 0;
  for (uint64_t round = 0; round < 4; ++round) {
    const Pipe acknowledged;
    const pid_t child = start_child([&] {
      const auto store = open_store(spec);
      return (*store)->try_lead("a:1") == true ? write_turns(**store, round, acknowledged) : 5;
    });
    ::usleep(static_cast<useconds_t>(200'000 + prng.below(400'000)));
    ::kill(child, SIGKILL);
    REQUIRE(status_of(child) == 128 + SIGKILL);
    const auto store = opened(spec);
    time_until_it_leads(*store);
    const auto loaded = store->load();
    REQUIRE(loaded);
    const uint64_t last = last_turn_of(*loaded);
    CHECK(last >= turns + acknowledged.count());
    turns = last;
  }
  MESSAGE(turns, " turns in 4 lives");
}

TEST_CASE("etcd's leader and the leading coordinator killed at once: another one leads") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  EtcdCluster cluster;
  const std::string spec = cluster.spec("both");
  const Pipe leads;
  const pid_t first = start_child([&] {
    const auto store = open_store(spec);
    if ((*store)->try_lead("a:1") != true || !(*store)->load() ||
        !(*store)->append(numbered(1, 2))) {
      return 1;
    }
    leads.acknowledge();
    while (true) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      static_cast<void>((*store)->keep_lead());
    }
  });
  wait_for_byte(leads.ends[0]);
  const auto second = opened(spec);
  CHECK(second->try_lead("b:1") == false);
  const size_t victim = cluster.leader();
  ::kill(first, SIGKILL);
  cluster.kill(victim);
  const Duration took = time_until_it_leads(*second);
  status_of(first);
  MESSAGE("another one led after ", seconds_of(took), " s");
  CHECK(second->load() == numbered(1, 2));
  CHECK(second->append(numbered(3, 3)));

  // Without a second one nothing is promised, and nothing is lost.
  cluster.kill((victim + 1) % EtcdCluster::size);
  const Status unknown = second->append(numbered(4, 4));
  REQUIRE_FALSE(unknown);
  CHECK(second->keep_lead() == false);
  cluster.start(victim);
  time_until_it_leads(*second);
  const auto loaded = second->load();
  REQUIRE(loaded);
  CHECK((*loaded == numbered(1, 3) || *loaded == numbered(1, 4)));
  CHECK(second->append(numbered(second->last_number() + 1, 9)));
  CHECK(second->load() == numbered(1, 9));
}

TEST_CASE("a server that stands still is passed over") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  EtcdCluster cluster;
  const auto store = opened(cluster.spec("still"));
  REQUIRE(store->try_lead("a:1") == true);
  REQUIRE(store->load());
  // Of those that do not lead, so that there is no election.
  const size_t still = cluster.leader() == 0 ? 1 : 0;
  cluster.send(still, SIGSTOP);
  for (uint64_t number = 1; number <= 5; ++number) {
    CHECK(store->keep_lead() == true);
    CHECK(store->append(numbered(number, number)));
  }
  cluster.send(still, SIGCONT);
  CHECK(store->load() == numbered(1, 5));
}

TEST_CASE("an answer that was lost: what was written is written once") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  LossyProxy proxy(shared_cluster().url(0));
  const auto store = opened(spec_of(proxy, unused_name()));
  REQUIRE(store->try_lead("a:1") == true);
  REQUIRE(store->load());
  REQUIRE(store->append(numbered(1, 2)));
  proxy.set(LossyProxy::Mode::lose_answer, "/txn");
  const Status unknown = store->append(numbered(3, 4));
  CHECK(proxy.touched() > 1);
  CHECK_FALSE(unknown);
  CHECK(store->append(numbered(5, 5)).error().code == ErrorCode::conflict);
  proxy.set(LossyProxy::Mode::pass);
  if (store->try_lead("a:1") != true) {
    time_until_it_leads(*store);
  }
  CHECK(store->load() == numbered(1, 4));
  REQUIRE(store->append(numbered(5, 5)));
  CHECK(store->load() == numbered(1, 5));
}

namespace {

// With records 1 and 2, and a torrent.
std::unique_ptr<RecordStore> begun(const std::string& spec) {
  std::unique_ptr<RecordStore> store = opened(spec);
  REQUIRE(store->try_lead("a:1") == true);
  REQUIRE(store->load());
  REQUIRE(store->append(numbered(1, 2)));
  REQUIRE(store->put_torrent(hash_of(1), some_bytes(100, 1)));
  return store;
}

void check_holds_four(RecordStore& store) {
  CHECK(store.load() == numbered(1, 4));
  CHECK(store.get_torrent(hash_of(1)) == some_bytes(100, 1));
  CHECK(store.read_audit(1, 10).value().size() == 4);
}

}  // namespace

TEST_CASE("a request that was sent again, and takes place a second time later, changes nothing") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  LossyProxy proxy(shared_cluster().url(0));
  const auto store =
      begun(fmt::format("etcd:{},{}/{}", proxy.url(), shared_cluster().url(1), unused_name()));
  proxy.set(LossyProxy::Mode::hold, "/txn");
  REQUIRE(store->append(numbered(3, 3)));
  CHECK(proxy.touched() == 1);
  REQUIRE(store->append(numbered(4, 4)));
  proxy.let_go();
  check_holds_four(*store);
  REQUIRE(store->append(numbered(5, 5)));
  CHECK(store->load() == numbered(1, 5));
}

TEST_CASE("a request that failed, and takes place later, changes nothing") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  LossyProxy proxy(shared_cluster().url(0));
  const auto store = begun(spec_of(proxy, unused_name()));
  proxy.set(LossyProxy::Mode::hold_and_fail, "/txn");
  CHECK_FALSE(store->put_torrent(hash_of(1), some_bytes(100, 9)));
  CHECK_FALSE(store->append(Lines{"late"}));
  CHECK(proxy.touched() == 2);
  proxy.set(LossyProxy::Mode::pass);
  CHECK(store->load() == numbered(1, 2));
  SUBCASE("before anything else is written") {
    proxy.let_go();
    REQUIRE(store->append(numbered(3, 3)));
  }
  SUBCASE("after something else was written") {
    REQUIRE(store->append(numbered(3, 3)));
    proxy.let_go();
  }
  REQUIRE(store->append(numbered(4, 4)));
  check_holds_four(*store);
}

TEST_CASE("a request of a leader that takes place when another one leads changes nothing") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  LossyProxy proxy(shared_cluster().url(0));
  const std::string name = unused_name();
  const auto first = begun(spec_of(proxy, name));
  proxy.set(LossyProxy::Mode::hold_and_fail, "/txn");
  CHECK_FALSE(first->append(Lines{"late"}));
  const auto second = opened(shared_cluster().spec(name));
  time_until_it_leads(*second);
  CHECK(second->load() == numbered(1, 2));
  proxy.let_go();
  REQUIRE(second->append(numbered(3, 3)));
  CHECK(first->keep_lead() == false);
  REQUIRE(second->append(numbered(4, 4)));
  check_holds_four(*second);
}

TEST_CASE("servers that cannot be reached: an error, and the lead ends when its lease does") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  LossyProxy proxy(shared_cluster().url(0));
  const auto store = opened(spec_of(proxy, unused_name()));
  REQUIRE(store->try_lead("a:1") == true);
  REQUIRE(store->load());
  proxy.set(LossyProxy::Mode::refuse);
  const Instant begin = monotonic_now();
  const Result<bool> at_first = store->keep_lead();
  if (monotonic_now() - begin < limits::etcd_lease) {
    REQUIRE_FALSE(at_first);
    CHECK(at_first.error().code == ErrorCode::network);
    CHECK(store->is_leading());
  }
  while (store->is_leading()) {
    REQUIRE(monotonic_now() - begin < std::chrono::seconds(60));
    static_cast<void>(store->keep_lead());
  }
  CHECK_FALSE(store->append(numbered(1, 1)));
}

TEST_CASE("a compaction takes nothing away") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  const EtcdPlace place(shared_cluster());
  const auto store = opened(place.spec());
  REQUIRE(store->try_lead("a:1") == true);
  REQUIRE(store->load());
  for (uint64_t number = 1; number <= 20; ++number) {
    REQUIRE(store->append(numbered(number, number)));
  }
  const Result<Json> reply = parse_json(shared_cluster().post("/v3/kv/range", R"({"key":"AA=="})"));
  shared_cluster().post("/v3/kv/compaction", fmt::format(R"({{"revision":"{}","physical":true}})",
                                                         (*reply)["header"]["revision"].text()));
  REQUIRE(store->append(numbered(21, 21)));
  CHECK(store->load() == numbered(1, 21));
  CHECK(store->read_audit(1, 100).value().size() == 21);
}

TEST_CASE("a key of the leader that somebody removed ends the lead at once") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  const std::string name = unused_name();
  const auto store = opened(shared_cluster().spec(name));
  REQUIRE(store->try_lead("a:1") == true);
  REQUIRE(store->load());
  shared_cluster().post(
      "/v3/kv/deleterange",
      fmt::format(R"({{"key":"{}"}})", trust::encode_base64("murder/" + name + "/leader")));
  SUBCASE("for what is written") {
    CHECK(store->append(numbered(1, 1)).error().code == ErrorCode::conflict);
    CHECK_FALSE(store->is_leading());
  }
  SUBCASE("when it is renewed") {
    CHECK(store->keep_lead() == false);
  }
  CHECK(store->try_lead("a:1") == true);
  CHECK(store->load() == Lines{});
}

TEST_CASE("a state of a newer version, and one that is damaged, are told apart") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  for (const auto& [value, code] : std::vector<std::pair<std::string, ErrorCode>>{
           {R"({"format":2})", ErrorCode::unsupported}, {"{}", ErrorCode::invalid_input}}) {
    const std::string name = unused_name();
    shared_cluster().post(
        "/v3/kv/put",
        fmt::format(R"({{"key":"{}","value":"{}"}})",
                    trust::encode_base64("murder/" + name + "/head"), trust::encode_base64(value)));
    const auto store = opened(shared_cluster().spec(name));
    REQUIRE(store->try_lead("a:1") == true);
    const auto loaded = store->load();
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == code);
    CHECK_FALSE(store->append(numbered(1, 1)));
  }
}

TEST_CASE("who only looks sees what is there, beside the one that leads") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  const EtcdPlace place(shared_cluster());
  const auto store = opened(place.spec());
  REQUIRE(store->try_lead("a:1") == true);
  REQUIRE(store->load());
  REQUIRE(store->append(numbered(1, 3)));
  const auto look = opened(place.spec(), Access::look);
  CHECK(look->leader_address() == "a:1");
  CHECK(look->load() == numbered(1, 3));
  REQUIRE(store->write_snapshot(Lines{"snapshot"}));
  REQUIRE(store->append(numbered(4, 4)));
  CHECK(look->load() == Lines{"snapshot", "{\"record\":4}"});
  CHECK(look->read_audit(2, 100).value().size() == 3);
  CHECK_FALSE(look->append(numbered(5, 5)));
  CHECK(look->try_lead("b:1").error().code == ErrorCode::unsupported);
}

TEST_CASE("states of other names do not meet") {
  if (!EtcdCluster::can_run()) {
    return;
  }
  const auto one = opened(shared_cluster().spec(unused_name()));
  const auto other = opened(shared_cluster().spec(unused_name()));
  REQUIRE(one->try_lead("a:1") == true);
  REQUIRE(other->try_lead("b:1") == true);
  REQUIRE(one->load());
  REQUIRE(one->append(numbered(1, 3)));
  CHECK(other->load() == Lines{});
}
