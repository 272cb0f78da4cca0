#include "coordinator/deploy_lease.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::coordinator;
using namespace std::chrono_literals;

namespace {

constexpr Instant start{1h};

}  // namespace

TEST_CASE("a lease is held as long as somebody asks") {
  DeployLease lease(120s, 5s, start);
  CHECK(lease.look(start + 119s, 3) == DeployLease::State::held);
  lease.renew(start + 119s);
  CHECK(lease.look(start + 238s, 3) == DeployLease::State::held);
  CHECK(lease.look(start + 239s, 3) == DeployLease::State::ending);
}

TEST_CASE("after its lease a deploy's coordinator waits for the agents, and not for ever") {
  DeployLease lease(120s, 5s, start);
  CHECK(lease.look(start + 120s, 2) == DeployLease::State::ending);
  CHECK(lease.look(start + 124s, 1) == DeployLease::State::ending);
  SUBCASE("until they have left") {
    CHECK(lease.look(start + 124s, 0) == DeployLease::State::over);
  }
  SUBCASE("or had their time") {
    CHECK(lease.look(start + 125s, 1) == DeployLease::State::over);
  }
  CHECK(lease.look(start + 200s, 1) == DeployLease::State::over);
}

TEST_CASE("agents that were told are not asked to stay") {
  DeployLease lease(120s, 5s, start);
  CHECK(lease.look(start + 120s, 1) == DeployLease::State::ending);
  lease.renew(start + 121s);
  CHECK(lease.look(start + 122s, 1) == DeployLease::State::ending);
  CHECK(lease.look(start + 123s, 0) == DeployLease::State::over);
}
