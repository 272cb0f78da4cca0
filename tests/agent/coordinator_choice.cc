#include "agent/coordinator_choice.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "agent/bounds.h"

using namespace murder;
using namespace murder::agent;

namespace {

std::vector<codec::ServerPlace> some_coordinators() {
  return {{{.host = "t1", .port = 1}}, {{.host = "t2", .port = 2}}, {{.host = "t3", .port = 3}}};
}

}  // namespace

TEST_CASE("a fleet begins with all of its coordinators, and each agent tries all") {
  std::set<std::string> first;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    CoordinatorChoice choice(some_coordinators(), seed);
    first.insert(choice.current().host);
    std::set<std::string> tried;
    for (int count = 0; count < 3; ++count) {
      tried.insert(choice.current().host);
      (void)choice.failed();
    }
    CHECK(tried.size() == 3);
  }
  CHECK(first.size() == 3);
}

TEST_CASE("waits spread a fleet, grow, and have an end; a success begins anew") {
  constexpr int agent_count = 1000;
  Duration longest_first{};
  int early_count = 0;
  for (int agent = 0; agent < agent_count; ++agent) {
    CoordinatorChoice choice({{{.host = "t1", .port = 1}}}, static_cast<uint64_t>(agent));
    const Duration first = choice.failed();
    longest_first = std::max(longest_first, first);
    early_count += first < limits::agent_backoff_first / 10 ? 1 : 0;
    for (int count = 0; count < 100; ++count) {
      CHECK(choice.failed() <= limits::agent_backoff_max);
    }
    choice.succeeded();
    CHECK(choice.failed() <= limits::agent_backoff_first);
  }
  // About a tenth of them in a tenth of the time.
  CHECK(early_count > agent_count / 20);
  CHECK(early_count < agent_count / 5);
  CHECK(longest_first > limits::agent_backoff_first * 9 / 10);
}

TEST_CASE("the leader that another one names is tried at once, but two that name each other wait") {
  CoordinatorChoice choice(some_coordinators(), 1);
  const HostPort leader{.host = "t9", .port = 9};
  CHECK(choice.redirected(leader) == Duration::zero());
  CHECK(choice.current() == leader);
  Duration waited{};
  for (int count = 0; count < 21; ++count) {
    waited += choice.redirected(leader);
  }
  CHECK(waited > Duration::zero());
  CHECK(choice.current().host != "t9");
  // One that failed once, and leads again, is found again.
  (void)choice.redirected(leader);
  (void)choice.failed();
  CHECK(choice.redirected(leader) == Duration::zero());
  CHECK(choice.current() == leader);
  choice.succeeded();
  CHECK(choice.redirected(leader) == Duration::zero());
  (void)choice.failed();
  CHECK(choice.current().host != "t9");
}

TEST_CASE("a leader is reached as the list says, or else by https and the keys of who named it") {
  const auto place = [](const char* word) { return codec::ServerPlace::parse(word, 1).value(); };
  CoordinatorChoice choice({place("https://t1:1#pin=SHA256:a"), place("https://t2:2#pin=SHA256:b")},
                           1);
  const std::string own = choice.current().pins;
  const HostPort other =
      own == "SHA256:a" ? HostPort{.host = "t2", .port = 2} : HostPort{.host = "t1", .port = 1};
  (void)choice.redirected(other);
  CHECK(choice.current().is_https);
  CHECK(choice.current().pins != own);
  (void)choice.failed();
  const std::string named_by = choice.current().pins;
  (void)choice.redirected({.host = "t9", .port = 9});
  CHECK(choice.current().word() == "https://t9:9#pin=" + named_by);
}
