#include "engine/host/deploy_lock_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <optional>

#include "../../temporary_directory.h"
#include "engine/host/peer_outcome.h"

namespace murder::host {
namespace {

struct LockedHost {
  LockedHost() {
    Result<RunDirectory> opened = RunDirectory::open(scratch / "run");
    REQUIRE(opened);
    directory.emplace(std::move(*opened));
  }
  [[nodiscard]] LockState lock(const std::string& token, const std::string& tag,
                               const std::vector<std::string>& ousted = {}) const {
    const Result<LockReply> reply = keep_lock(*directory, {.lock = {.token = token,
                                                                    .app = "/srv/app",
                                                                    .tag = tag,
                                                                    .owner = token + "@laptop",
                                                                    .why = "deploy of " + tag,
                                                                    .until_s = 60},
                                                           .ousted = ousted});
    REQUIRE(reply);
    return reply->state;
  }
  [[nodiscard]] NewerDeploy instead_of(const std::string& token, const std::string& tag) const {
    return newer_deploy_than(*directory, {.token = token, .app = "/srv/app", .tag = tag});
  }

  TemporaryDirectory scratch;
  std::optional<RunDirectory> directory;
};

}  // namespace

TEST_CASE("a lock is kept from one command to the next until it is given back") {
  const LockedHost host;
  CHECK(host.lock("alice", "v1") == LockState::held);
  CHECK(host.lock("bob", "v2") == LockState::busy);
  CHECK(std::filesystem::exists(host.scratch / "run/deploys.json"));
  const Result<Unlocked> unlocked = give_lock_back(*host.directory, "alice");
  REQUIRE(unlocked);
  CHECK(unlocked->was_held);
  REQUIRE(unlocked->ends_tracker);
  {
    DeployLockFile file(*host.directory);
    settle_tracker(file.locks(), "alice", TrackerEnd::ended);
    CHECK(file.save());
  }
  CHECK_FALSE(std::filesystem::exists(host.scratch / "run/deploys.json"));
  CHECK(host.lock("bob", "v2") == LockState::held);
}

TEST_CASE("a lock that cannot be written says why") {
  const LockedHost host;
  REQUIRE(std::filesystem::create_directory(host.scratch / "run/deploys.json.new"));
  const Result<LockReply> reply = keep_lock(
      *host.directory, {.lock = {.token = "alice", .app = "/srv/app", .tag = "v1", .until_s = 60}});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().text.ends_with("deploys.json: Is a directory"));
}

TEST_CASE("a deploy hears which one has taken over, and whether it is of the same tag") {
  const LockedHost host;
  CHECK(host.lock("alice", "v1") == LockState::held);
  CHECK(host.instead_of("alice", "v1").text.empty());
  CHECK(host.lock("bob", "v2", {"alice"}) == LockState::held);
  const NewerDeploy other = host.instead_of("alice", "v1");
  CHECK(other.text.starts_with("deploy of v2 by bob@laptop since "));
  CHECK_FALSE(other.is_of_tag);
  CHECK(host.lock("carol", "v2", {"bob"}) == LockState::held);
  CHECK(host.instead_of("bob", "v2").is_of_tag);
}

TEST_CASE("a peer that another deploy started here is of that one") {
  const LockedHost host;
  REQUIRE(write_outcome(host.scratch / "run", "v1", {{"state", outcome_done}, {"deploy", "bob"}},
                        false));
  CHECK(host.instead_of("bob", "v1").text.empty());
  const NewerDeploy other = host.instead_of("alice", "v1");
  CHECK(other.text == "another deploy of v1");
  CHECK(other.is_of_tag);
  CHECK(host.instead_of("alice", "v2").text.empty());
}

}  // namespace murder::host
