#include "engine/host/deploy_locks.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::host;

namespace {

constexpr uint64_t lease_s = 90;
const BootClock at_start{.boot = "boot", .now_s = 1000};

LockRequest request_of(const std::string& token, const std::string& app = "/srv/app",
                       const std::string& tag = "v1") {
  return {.lock = {.token = token,
                   .app = app,
                   .tag = tag,
                   .owner = token + "@laptop",
                   .since = "2026-11-29T07:00:12Z",
                   .why = "deploy of " + tag,
                   .origin = "here",
                   .until_s = lease_s},
          .tracker_runs = true};
}

BootClock after(uint64_t seconds) {
  return {.boot = at_start.boot, .now_s = at_start.now_s + seconds};
}

}  // namespace

TEST_CASE("one deploy of an app and of a tag at a time, and who holds the lock is told") {
  DeployLocks locks;
  CHECK(take_lock(locks, request_of("alice"), at_start).state == LockState::held);
  const LockReply same_tag = take_lock(locks, request_of("bob", "/srv/other"), after(1));
  CHECK(same_tag.state == LockState::busy);
  CHECK(same_tag.holder.owner == "alice@laptop");
  CHECK(take_lock(locks, request_of("bob", "/srv/app", "v2"), after(1)).state == LockState::busy);
  CHECK(take_lock(locks, request_of("bob", "/srv/other", "v2"), after(1)).state == LockState::held);
  CHECK(release_lock(locks, "alice", after(2)).was_held);
  CHECK(take_lock(locks, request_of("bob"), after(2)).state == LockState::held);
}

TEST_CASE("a lock that is not renewed ends with its lease, and all with a reboot") {
  DeployLocks locks;
  REQUIRE(take_lock(locks, request_of("alice"), at_start).state == LockState::held);
  CHECK(take_lock(locks, request_of("bob"), after(lease_s - 1)).state == LockState::busy);
  LockRequest renewal = request_of("alice");
  renewal.is_renewal = true;
  CHECK(take_lock(locks, renewal, after(lease_s - 1)).state == LockState::held);
  CHECK(take_lock(locks, request_of("bob"), after(lease_s)).state == LockState::busy);
  CHECK(take_lock(locks, request_of("bob"), {.boot = "another", .now_s = 10}).state ==
        LockState::held);
}

TEST_CASE("who was replaced learns it at the next renewal") {
  DeployLocks locks;
  REQUIRE(take_lock(locks, request_of("alice"), at_start).state == LockState::held);
  LockRequest instead = request_of("bob");
  instead.replaced = {"alice"};
  CHECK(take_lock(locks, instead, after(1)).state == LockState::held);
  LockRequest renewal = request_of("alice");
  renewal.is_renewal = true;
  const LockReply lost = take_lock(locks, renewal, after(2));
  CHECK(lost.state == LockState::lost);
  CHECK(lost.holder.owner == "bob@laptop");
  CHECK(locks.size() == 1);
}

TEST_CASE("what a deploy started that is gone belongs to the next one") {
  DeployLocks locks;
  LockRequest first = request_of("alice");
  first.tracker_runs = false;
  REQUIRE(take_lock(locks, first, at_start).lock.owns_seeder);
  LockRequest next = request_of("bob");
  next.seeder_runs = true;
  const LockReply reply = take_lock(locks, next, after(lease_s));
  CHECK(reply.lock.owns_tracker);
  CHECK(reply.lock.owns_seeder);
  CHECK(release_lock(locks, "bob", after(lease_s + 1)).ends_tracker);
  settle_tracker(locks, "bob", TrackerEnd::ended);
  CHECK(locks.empty());
}

TEST_CASE("who was to end a tracker and was killed before is told the same again") {
  DeployLocks locks;
  LockRequest first = request_of("alice");
  first.tracker_runs = false;
  REQUIRE(take_lock(locks, first, at_start).lock.owns_tracker);
  CHECK(release_lock(locks, "alice", after(1)).ends_tracker);
  CHECK(release_lock(locks, "alice", after(2)).ends_tracker);
  // It is in nobody's way, and the next deploy has it to end.
  CHECK(take_lock(locks, request_of("bob"), after(3)).lock.owns_tracker);
  CHECK_FALSE(release_lock(locks, "alice", after(4)).ends_tracker);
  settle_tracker(locks, "alice", TrackerEnd::ended);
  CHECK(locks.size() == 1);
}

TEST_CASE("a seeder or tracker that ran before belongs to nobody") {
  DeployLocks locks;
  LockRequest request = request_of("alice");
  request.seeder_runs = true;
  const LockReply reply = take_lock(locks, request, at_start);
  CHECK_FALSE(reply.lock.owns_tracker);
  CHECK_FALSE(reply.lock.owns_seeder);
  CHECK_FALSE(release_lock(locks, "alice", at_start).ends_tracker);
}

TEST_CASE("a tracker is left to another deploy, which ends it instead") {
  DeployLocks locks;
  LockRequest first = request_of("alice");
  first.tracker_runs = false;
  REQUIRE(take_lock(locks, first, at_start).lock.owns_tracker);
  LockRequest mark = request_of("bob");  // of another fleet: the same app and tag exclude nobody
  mark.lock.is_mark = true;
  REQUIRE_FALSE(take_lock(locks, mark, after(1)).lock.owns_tracker);
  CHECK_FALSE(release_lock(locks, "alice", after(2)).ends_tracker);
  CHECK(release_lock(locks, "bob", after(3)).ends_tracker);
}

TEST_CASE("a deploy has the key that it brings, or that of the seeder which it takes over") {
  DeployLocks locks;
  LockRequest first = request_of("alice");
  first.lock.fleet_key = "key a";
  const DeployLock alice = take_lock(locks, first, at_start).lock;
  CHECK(alice.fleet_key == "key a");
  CHECK(alice.seeder_key.empty());
  CHECK(alice.owns_seeder);
  // A renewal brings none, and changes none.
  LockRequest renewal = request_of("alice");
  renewal.is_renewal = true;
  CHECK(take_lock(locks, renewal, after(1)).lock.fleet_key == "key a");
  DeployLocks dropped = locks;
  renewal.drops_key = true;
  CHECK(take_lock(dropped, renewal, after(1)).lock.fleet_key.empty());
  // It brings the one that another host's seeder has.
  renewal.drops_key = false;
  renewal.lock.fleet_key = "key c";
  CHECK(take_lock(dropped, renewal, after(1)).lock.fleet_key == "key c");
  // Others hear nothing of it.
  const LockReply busy = take_lock(locks, request_of("bob"), after(1));
  CHECK(busy.state == LockState::busy);
  CHECK(busy.holder.fleet_key.empty());

  DeployLocks with_seeder = locks;
  LockRequest next = request_of("bob");
  next.lock.fleet_key = "key b";
  next.replaced = {"alice"};
  next.seeder_runs = true;
  const DeployLock bob = take_lock(with_seeder, next, after(2)).lock;
  CHECK(bob.fleet_key == "key a");
  CHECK(bob.seeder_key == "key a");
  CHECK(take_lock(
            with_seeder,
            [&] {
              LockRequest again = request_of("bob");
              again.is_renewal = true;
              return again;
            }(),
            after(3))
            .lock.seeder_key == "key a");

  // Nothing runs there any more.
  DeployLocks without = locks;
  next.seeder_runs = false;
  CHECK(take_lock(without, next, after(2)).lock.fleet_key == "key b");
  CHECK(without.front().seeder_key.empty());

  // One that wants no key does not get one; it knows that the seeder has one.
  DeployLocks open = locks;
  next.seeder_runs = true;
  next.lock.fleet_key.clear();
  const DeployLock no_key = take_lock(open, next, after(2)).lock;
  CHECK(no_key.fleet_key.empty());
  CHECK(no_key.seeder_key == "key a");
}

TEST_CASE("who takes a place is told which deploys with a key are gone") {
  DeployLocks locks;
  LockRequest alice = request_of("alice");
  alice.lock.fleet_key = "a";
  REQUIRE(take_lock(locks, alice, at_start).gone.empty());
  LockRequest carol = request_of("carol", "/srv/other", "v9");
  carol.lock.fleet_key = "c";
  REQUIRE(take_lock(locks, carol, at_start).gone.empty());
  CHECK(take_lock(locks, request_of("bob"), at_start).gone.empty());  // busy
  LockRequest bob = request_of("bob");
  bob.replaced = {"alice"};
  bob.lock.fleet_key = "b";
  CHECK(take_lock(locks, bob, at_start).gone == std::vector<std::string>{"alice"});
  CHECK(take_lock(locks, bob, after(1)).gone.empty());
  // Without having been named: its lease is over.
  CHECK(take_lock(locks, request_of("dave", "/srv/third", "v3"), after(lease_s)).gone ==
        std::vector<std::string>{"carol"});
}

TEST_CASE("who was ousted is not told the key of the other deploy") {
  DeployLocks locks;
  LockRequest first = request_of("alice");
  first.lock.fleet_key = "key a";
  REQUIRE(take_lock(locks, first, at_start).state == LockState::held);
  LockRequest instead = request_of("bob");
  instead.lock.fleet_key = "key b";
  instead.ousted = {"alice"};
  REQUIRE(take_lock(locks, instead, after(1)).state == LockState::held);
  first.is_renewal = true;
  const LockReply lost = take_lock(locks, first, after(2));
  CHECK(lost.state == LockState::lost);
  CHECK(lost.holder.fleet_key.empty());
  CHECK(lost.holder.seeder_key.empty());
}

TEST_CASE("locks are read back as they were written, and what is no lock is passed over") {
  DeployLocks locks;
  REQUIRE(take_lock(locks, request_of("alice"), at_start).state == LockState::held);
  CHECK(locks_of(json_of(locks)) == locks);
  CHECK(locks_of(*parse_json(R"([1, {"app": "x"}, "text"])")).empty());
  CHECK(locks_of(Json()).empty());
}

TEST_CASE("a deploy that was ousted hears of it, also when the other one has ended") {
  DeployLocks locks;
  REQUIRE(take_lock(locks, request_of("alice"), at_start).state == LockState::held);
  LockRequest instead = request_of("bob", "/srv/app", "v2");
  instead.ousted = {"alice"};
  REQUIRE(take_lock(locks, instead, after(1)).state == LockState::held);
  DeployLock alice = request_of("alice").lock;
  const DeployLock* other = other_at_work(locks, alice, after(2));
  REQUIRE(other != nullptr);
  CHECK(other->owner == "bob@laptop");
  CHECK(other_at_work(locks, instead.lock, after(2)) == nullptr);
  CHECK(release_lock(locks, "bob", after(3)).was_held);
  // Bob's is gone, and nobody is in the way of others.
  CHECK(take_lock(locks, request_of("carol"), after(3)).state == LockState::held);
  static_cast<void>(release_lock(locks, "carol", after(4)));
  LockRequest renewal = request_of("alice");
  renewal.is_renewal = true;
  const LockReply lost = take_lock(locks, renewal, after(1000));
  CHECK(lost.state == LockState::lost);
  CHECK(lost.holder.why == "deploy of v2");
  CHECK(other_at_work(locks, alice, after(1000)) != nullptr);
  // Its end takes the rest away, and no tracker with it.
  const Unlocked unlocked = release_lock(locks, "alice", after(1001));
  CHECK_FALSE(unlocked.was_held);
  CHECK_FALSE(unlocked.ends_tracker);
  CHECK(locks.empty());
}

TEST_CASE("what a deploy that never came back left of its lock goes after a day") {
  DeployLocks locks;
  REQUIRE(take_lock(locks, request_of("alice"), at_start).state == LockState::held);
  LockRequest instead = request_of("bob");
  instead.ousted = {"alice"};
  REQUIRE(take_lock(locks, instead, after(1)).state == LockState::held);
  static_cast<void>(release_lock(locks, "bob", after(2)));
  CHECK(locks.size() == 1);
  REQUIRE(take_lock(locks, request_of("carol"), after(24 * 3600 + 10)).state == LockState::held);
  CHECK(locks.size() == 1);
}

TEST_CASE("what is kept of a lock that was taken over comes back from the file") {
  DeployLocks locks;
  REQUIRE(take_lock(locks, request_of("alice"), at_start).state == LockState::held);
  LockRequest instead = request_of("bob");
  instead.ousted = {"alice"};
  REQUIRE(take_lock(locks, instead, after(1)).state == LockState::held);
  CHECK(locks_of(json_of(locks)) == locks);
}

TEST_CASE("a tracker that a deploy needs which was taken over is ended by that one") {
  DeployLocks locks;
  LockRequest first = request_of("alice");
  first.tracker_runs = false;
  REQUIRE(take_lock(locks, first, at_start).state == LockState::held);
  LockRequest instead = request_of("bob", "/srv/app", "v2");
  instead.ousted = {"alice"};
  REQUIRE(take_lock(locks, instead, after(1)).state == LockState::held);
  CHECK(release_lock(locks, "bob", after(2)).ends_tracker);
  settle_tracker(locks, "bob", TrackerEnd::needed);  // alice's hosts still fetch through it
  CHECK(release_lock(locks, "alice", after(3)).ends_tracker);
  settle_tracker(locks, "alice", TrackerEnd::needed);
  CHECK(locks.empty());
}

namespace {

DeployLock agent_lock(const std::string& token) {
  DeployLock lock = request_of(token).lock;
  lock.is_coordinated = true;
  return lock;
}

}  // namespace

TEST_CASE("where an agent of a deploy is at work no other deploy of it begins") {
  DeployLocks locks;
  REQUIRE(hold_for_agent(locks, agent_lock("alice"), at_start));
  const LockReply busy = take_lock(locks, request_of("bob"), after(1));
  CHECK(busy.state == LockState::busy);
  CHECK(busy.holder.owner == "alice@laptop");
  CHECK(busy.holder.is_coordinated);
  CHECK(hold_for_agent(locks, agent_lock("alice"), after(60)));
  CHECK(take_lock(locks, request_of("bob"), after(lease_s)).state == LockState::busy);
  // It ends with its agent, or its lease.
  CHECK(release_of_agent(locks, "alice"));
  CHECK_FALSE(release_of_agent(locks, "alice"));
  CHECK(take_lock(locks, request_of("bob"), after(lease_s)).state == LockState::held);
  CHECK_FALSE(hold_for_agent(locks, agent_lock("alice"), after(lease_s)));
}

TEST_CASE("the coordinator of a deploy has its lock, whatever its agent there holds") {
  DeployLocks locks;
  REQUIRE(hold_for_agent(locks, agent_lock("alice"), at_start));
  LockRequest request = request_of("alice");
  request.tracker_runs = false;
  const LockReply moved = take_lock(locks, request, after(1));
  CHECK(moved.state == LockState::held);
  CHECK(moved.lock.owns_tracker);  // the agent's says nothing of that
  CHECK_FALSE(hold_for_agent(locks, agent_lock("alice"), after(2)));
  CHECK_FALSE(release_of_agent(locks, "alice"));
  REQUIRE(locks.size() == 1);
  CHECK_FALSE(locks[0].is_of_agent);
  CHECK(hold_for_agent(locks, agent_lock("carol"), after(3)) == false);
  CHECK(release_lock(locks, "alice", after(4)).ends_tracker);
}

TEST_CASE(
    "where a coordinator was killed its lock becomes that of the agent, and its tracker is ended") {
  DeployLocks locks;
  LockRequest request = request_of("alice");
  request.tracker_runs = false;
  REQUIRE(take_lock(locks, request, at_start).state == LockState::held);
  const BootClock later = after(lease_s + 1);  // nobody renewed it
  CHECK(hold_for_agent(locks, agent_lock("alice"), later));
  CHECK(take_lock(locks, request_of("bob"), after(lease_s + 2)).state == LockState::busy);
  CHECK(release_of_agent(locks, "alice"));
  CHECK(release_lock(locks, "alice", after(lease_s + 3)).ends_tracker);
}

TEST_CASE("an agent's lock needs no tracker, takes nothing over, and goes with its deploy") {
  DeployLocks locks;
  LockRequest other = request_of("bob", "/srv/other", "v9");
  other.tracker_runs = false;
  REQUIRE(take_lock(locks, other, at_start).state == LockState::held);
  REQUIRE(hold_for_agent(locks, agent_lock("alice"), at_start));
  CHECK(other_at_work(locks, request_of("carol").lock, at_start) == nullptr);
  CHECK(release_lock(locks, "bob", after(1)).ends_tracker);
  LockRequest instead = request_of("carol");
  instead.ousted = {"alice"};
  CHECK(take_lock(locks, instead, after(2)).state == LockState::held);
  CHECK(locks.size() == 1);
  CHECK_FALSE(hold_for_agent(locks, agent_lock("alice"), after(3)));
  const DeployLocks read = locks_of(json_of(DeployLocks{agent_lock("alice")}));
  CHECK(read == DeployLocks{agent_lock("alice")});
}

TEST_CASE("another tracker than its own is not to be ended by a deploy") {
  DeployLocks locks;
  LockRequest request = request_of("alice");
  request.tracker_runs = false;
  REQUIRE(take_lock(locks, request, at_start).lock.owns_tracker);
  disown_tracker(locks, "bob");
  CHECK(locks[0].owns_tracker);
  disown_tracker(locks, "alice");
  CHECK_FALSE(release_lock(locks, "alice", at_start).ends_tracker);
}
