#include "coordinator/operator_desk.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "coordinator/bounds.h"

using namespace murder;
using namespace murder::coordinator;

namespace {

struct NoHandler final : http::Handler {
  http::Response handle(const http::Request&, Instant) override { return {}; }
};
struct NothingCopied final : CopySource {
  CopyState copy_of(const InfoHash&) const override { return {}; }
};
struct NobodyConnected final : FactsSource {
  const control::Facts* facts_of(control::AgentIndex) const override { return nullptr; }
};

struct DeskBench {
  [[nodiscard]] bool takes(const WaitingRequest& request) {
    const bool has_room = desk.has_room(request);
    if (has_room) {
      desk.add(request);
    }
    return has_room;
  }
  static WaitingRequest read_of(std::string_view address) {
    return {.request = {.action = Action::show_agents}, .address = *IpAddress::parse(address)};
  }
  static WaitingRequest order() {
    return {.request = {.action = Action::pause, .app = "shop"}, .by = "olga", .is_order = true};
  }

  std::unique_ptr<io::Reactor> reactor = io::Reactor::create({}).value();
  NoHandler handler;
  std::unique_ptr<http::Server> server = http::Server::create(*reactor, handler, {}).value();
  NothingCopied copies;
  NobodyConnected facts;
  OperatorDesk desk{*reactor, *server, copies, facts};
};

}  // namespace

TEST_CASE("one address looks at some things at a time, and leaves room for others and for orders") {
  DeskBench bench;
  uint32_t count = 0;
  while (bench.takes(DeskBench::read_of("10.0.0.1"))) {
    ++count;
  }
  CHECK(count == limits::reads_of_address_max);
  CHECK(bench.takes(DeskBench::read_of("10.0.0.2")));
  for (uint32_t host = 3; host < 250; ++host) {
    static_cast<void>(bench.takes(DeskBench::read_of(fmt::format("10.0.0.{}", host))));
    static_cast<void>(bench.takes(DeskBench::read_of(fmt::format("10.0.0.{}", host))));
  }
  CHECK_FALSE(bench.takes(DeskBench::read_of("10.0.1.1")));
  for (uint32_t order = 0; order < limits::operator_orders_kept; ++order) {
    CHECK(bench.takes(DeskBench::order()));
  }
  CHECK_FALSE(bench.takes(DeskBench::order()));
}

TEST_CASE("who does not wait any more is shown nothing and has no place") {
  DeskBench bench;
  for (uint32_t read = 0; read < limits::reads_of_address_max; ++read) {
    CHECK(bench.takes(DeskBench::read_of("10.0.0.1")));
  }
  control::Coordinator machine(control::State{}, 7, {});
  CHECK_FALSE(bench.desk.put_in(machine, {}).came);  // no connection has any of these tickets
  CHECK(bench.takes(DeskBench::read_of("10.0.0.1")));
}
