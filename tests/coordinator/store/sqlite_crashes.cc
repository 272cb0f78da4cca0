// Processes that are killed while they write: what is there afterwards ends at the end of a turn,
// and has all that was acknowledged.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>

#include "child.h"
#include "coordinator/store/sqlite_store.h"
#include "engine/base/prng.h"
#include "faulty_disk.h"
#include "places.h"
#include "turns.h"

using namespace murder;
using namespace murder::store;

namespace {

// What load() gives after so many steps of `work`.
const std::vector<Lines> states = {
    {},
    numbered(1, 3),
    numbered(1, 40),
    {"snapshot", "of 40"},
    {"snapshot", "of 40", "{\"record\":41}"},
    {"another"},
    {"another", "{\"record\":42}", "{\"record\":43}"},
};

// A life of a store; each step is acknowledged. Exit status 0 at its end.
int work(const std::string& file, const Pipe& acknowledged) {
  SqliteStore store(file, Access::lead);
  if (store.try_lead("a:1") != true || !store.load()) {
    return 1;
  }
  const auto step = [&](const Status& done) {
    if (!done) {
      ::_exit(2);
    }
    acknowledged.acknowledge();
  };
  step(store.append(numbered(1, 3)));
  step(store.append(numbered(4, 40)));
  step(store.write_snapshot(Lines{"snapshot", "of 40"}));
  step(store.append(numbered(41, 41)));
  step(store.write_snapshot(Lines{"another"}));
  step(store.append(numbered(42, 43)));
  return 0;
}

void check_state(const std::string& file, size_t acknowledged) {
  SqliteStore store(file, Access::lead);
  REQUIRE(store.try_lead("a:1") == true);
  const auto loaded = store.load();
  REQUIRE(loaded);
  const bool as_acknowledged = *loaded == states[acknowledged];
  CHECK((as_acknowledged ||
         (acknowledged + 1 < states.size() && *loaded == states[acknowledged + 1])));
  // And it goes on.
  REQUIRE(store.append(Lines{"more"}));
  Lines more = *loaded;
  more.push_back("more");
  CHECK(store.load() == more);
}

size_t kill_at_each_call(FaultyDisk::Fault fault) {
  for (uint64_t call = 1;; ++call) {
    const TemporaryDirectory directory;
    const Pipe acknowledged;
    const int status = status_of(start_child([&] {
      FaultyDisk& disk = use_faulty_disk();
      disk.fault = fault;
      disk.at_call = call;
      return work(directory / "state.db", acknowledged);
    }));
    INFO("killed at call ", call);
    if (status == 0) {
      return call - 1;
    }
    REQUIRE(status == 128 + SIGKILL);
    check_state(directory / "state.db", acknowledged.count());
  }
}

}  // namespace

TEST_CASE("killed before any call that writes, whole turns are there") {
  CHECK(kill_at_each_call(FaultyDisk::Fault::kill_before) > 30);
}

TEST_CASE("killed in the middle of any write, whole turns are there") {
  CHECK(kill_at_each_call(FaultyDisk::Fault::kill_in_the_middle) > 30);
}

TEST_CASE("each turn is synced before it is acknowledged") {
  const TemporaryDirectory directory;
  CHECK(status_of(start_child([&] {
          const FaultyDisk& disk = use_faulty_disk();
          SqliteStore store(directory / "state.db", Access::lead);
          if (store.try_lead("a:1") != true || !store.load()) {
            return 1;
          }
          for (uint64_t turn = 1; turn < 50; ++turn) {
            const uint64_t before = disk.syncs;
            if (!store.append(numbered(turn, turn)) || disk.syncs == before) {
              return 2;
            }
          }
          return 0;
        })) == 0);
}

TEST_CASE("after a sync that failed nothing is written before all was read again") {
  const TemporaryDirectory directory;
  CHECK(status_of(start_child([&] {
          FaultyDisk& disk = use_faulty_disk();
          SqliteStore store(directory / "state.db", Access::lead);
          if (store.try_lead("a:1") != true || !store.load() || !store.append(numbered(1, 2))) {
            return 1;
          }
          disk.at_call = disk.calls + 1;
          disk.fault = FaultyDisk::Fault::sync_fails;
          const Status failed = store.append(numbered(3, 4));
          if (failed || failed.error().code != ErrorCode::io) {
            return 2;
          }
          if (store.append(numbered(3, 4))) {
            return 3;
          }
          const auto loaded = store.load();
          if (!loaded || (*loaded != numbered(1, 2) && *loaded != numbered(1, 4))) {
            return 4;
          }
          // What was read is in the file itself, which was synced.
          struct stat log {};
          if (::stat((directory / "state.db-wal").c_str(), &log) != 0 || log.st_size != 0) {
            return 6;
          }
          const uint64_t number = store.last_number();
          if (!store.append(numbered(number + 1, number + 1)) ||
              store.load() != numbered(1, number + 1)) {
            return 5;
          }
          return 0;
        })) == 0);
}

TEST_CASE("killed at any moment, again and again, whole turns are there") {
  const TemporaryDirectory directory;
  const std::string file = directory / "state.db";
  Prng prng(21);
  uint64_t turns = 0;
  for (uint64_t round = 0; round < 40; ++round) {
    const Pipe acknowledged;
    const pid_t child = start_child([&] {
      SqliteStore store(file, Access::lead);
      return store.try_lead("a:1") == true ? write_turns(store, round, acknowledged) : 5;
    });
    ::usleep(static_cast<useconds_t>(1000 + prng.below(40'000)));
    ::kill(child, SIGKILL);
    REQUIRE(status_of(child) == 128 + SIGKILL);
    SqliteStore store(file, Access::lead);
    REQUIRE(store.try_lead("a:1") == true);
    const auto loaded = store.load();
    REQUIRE(loaded);
    const uint64_t last = last_turn_of(*loaded);
    CHECK(last >= turns + acknowledged.count());
    turns = last;
  }
  MESSAGE(turns, " turns in 40 lives");
}
