#include "cli/fleet/rollout/deploy_orders.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::fleet;
using trust::OrderKind;

TEST_CASE("a host demands orders where a line names their namespace") {
  CHECK_FALSE(demands_orders(""));
  CHECK_FALSE(demands_orders("namespaces=\"murder-release\" "));
  CHECK_FALSE(demands_orders("namespaces=\"git,!murder-order,murder-*\" "));
  CHECK(demands_orders("namespaces=\"murder-order\""));
  CHECK(demands_orders("namespaces=\"git\" Namespaces=\"murder-release,murder-o*\" "));
  CHECK(demands_orders("namespaces=\"*\" "));
  // Cut off.
  CHECK_FALSE(demands_orders("namespaces=\"murder-release\" namespaces"));
  CHECK_FALSE(demands_orders("namespaces=\""));
}

TEST_CASE("what is signed is what the deploy does") {
  DeployOptions options;
  CHECK(kinds_of_deploy(options, false) == std::vector{OrderKind::want});
  options.activate = true;
  CHECK(kinds_of_deploy(options, true) == std::vector{OrderKind::activate});
  options.rollout.emplace(RolloutOptions{.plan = {{"on_failure", "rollback"}}});
  CHECK(kinds_of_deploy(options, true) == std::vector{OrderKind::activate, OrderKind::go_back});
  options.placing.allow_older = true;
  CHECK(kinds_of_deploy(options, true).front() == OrderKind::roll_back);
}
