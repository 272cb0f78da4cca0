#include "cli/fleet/rollout/lost_coordinators.h"

#include <doctest/doctest.h>

namespace murder::fleet {
namespace {

using std::chrono::seconds;

constexpr Instant begin_at = Instant{} + seconds(1000);
constexpr HostIndex first{0};
constexpr HostIndex second{1};

}  // namespace

TEST_CASE("before anything was lost the first host may be some seconds late") {
  const LostCoordinators lost;
  CHECK(lost.patient_until(std::nullopt) == instant_never);
  CHECK(lost.patient_until(begin_at) == begin_at + seconds(5));
  CHECK(lost.last_at() == Instant{});
}

TEST_CASE("a host that was lost is waited for until two attempts to reach it have failed") {
  LostCoordinators lost;
  lost.add(first, begin_at);
  CHECK(lost.patient_until(begin_at) == begin_at + seconds(15));
  lost.note_unreachable(second);
  lost.note_unreachable(first);
  CHECK(lost.patient_until(begin_at) == begin_at + seconds(15));
  lost.note_unreachable(first);
  CHECK(lost.patient_until(begin_at) == begin_at);
  // The next one is judged by itself, and so is the same one later.
  lost.add(second, begin_at + seconds(60));
  CHECK(lost.patient_until(begin_at) == begin_at + seconds(75));
  lost.add(second, begin_at + seconds(90));
  CHECK(lost.patient_until(begin_at) == begin_at + seconds(105));
  CHECK(lost.hosts() == std::vector<HostIndex>{first, second});
}

TEST_CASE("a deploy whose coordinators are lost again and again ends") {
  LostCoordinators lost;
  uint32_t count = 0;
  for (; lost.may_take_up() && count < 1000; ++count) {
    lost.add(first, begin_at + seconds(count));
  }
  CHECK(count == 16);
}

TEST_CASE("what becomes of a rollout whose connection is lost is told as it is") {
  const HostResult lost{.outcome = Outcome::unreachable, .reason = "Connection reset"};
  CHECK(text_of_lost_coordinator("h1", lost, {.has_order = true}) ==
        "the connection to h1 is lost (Connection reset): the rollout goes on there");
  CHECK(text_of_lost_coordinator("h1", lost, {.has_order = true, .is_attached = true}) ==
        "the connection to h1 is lost (Connection reset): with --attached the deploy ends there "
        "as well, after hosts that are being switched");
  CHECK(text_of_lost_coordinator("h1", lost, {.has_order = true, .is_ending = true}) ==
        "the connection to h1 is lost (Connection reset): the deploy was ending there");
  // Nothing of the release was told yet.
  CHECK(text_of_lost_coordinator("h1", lost, {}) == "h1: Connection reset");
  const HostResult failed{.outcome = Outcome::failed, .reason = ""};
  CHECK(text_of_lost_coordinator("h1", failed, {.has_order = true}) == "h1: coordinate has ended");
}

}  // namespace murder::fleet
