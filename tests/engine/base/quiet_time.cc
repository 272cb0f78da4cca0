#include "engine/base/quiet_time.h"

#include <doctest/doctest.h>

using namespace murder;
using std::chrono::seconds;

TEST_CASE("quiet time adds up from look to look, and ends when something happens") {
  const Instant start{};
  QuietTime quiet(seconds(1));
  quiet.begin(start);
  quiet.look(false, start + seconds(1));
  quiet.look(false, start + seconds(3));
  CHECK(quiet.lasted() == seconds(3));
  quiet.look(true, start + seconds(4));
  CHECK(quiet.lasted() == Duration::zero());
  quiet.look(false, start + seconds(5));
  CHECK(quiet.lasted() == seconds(1));
}

TEST_CASE("the time for which a process was stopped is not quiet time") {
  const Instant start{};
  QuietTime quiet(seconds(1));
  quiet.begin(start);
  quiet.look(false, start + seconds(1));
  quiet.look(false, start + seconds(3600));
  CHECK(quiet.lasted() == seconds(3));
  quiet.look(false, start + seconds(3601));
  CHECK(quiet.lasted() == seconds(4));
}
