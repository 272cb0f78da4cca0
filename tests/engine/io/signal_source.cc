#include "engine/io/signal_source.h"

#include <csignal>
#include <vector>

#include "support.h"

using namespace murder;
using namespace murder::io;

TEST_CASE("a signal becomes a call on the reactor, again and again") {
  const auto reactor = make_reactor();
  struct Program {
    std::vector<int> signals;
    void on_signal(int signal_number) { signals.push_back(signal_number); }
  } program;
  {
    auto source =
        SignalSource::create(*reactor, {SIGUSR1, SIGUSR2}, callback<&Program::on_signal>(&program));
    REQUIRE(source);
    raise(SIGUSR1);
    CHECK(reactor->run_until([&] { return program.signals.size() == 1; }, patience));
    raise(SIGUSR2);
    CHECK(reactor->run_until([&] { return program.signals.size() == 2; }, patience));
  }
  CHECK(program.signals == std::vector<int>{SIGUSR1, SIGUSR2});
  CHECK(reactor->operations_in_flight() == 0);
}
