#include "engine/swarm/duties.h"

#include <doctest/doctest.h>

using murder::swarm::Duties;
using murder::swarm::Duty;

TEST_CASE("a duty is done once, however often it was marked, and the others stay due") {
  Duties duties;
  CHECK(duties.none());
  CHECK(!duties.take(Duty::admit));
  duties.mark(Duty::admit);
  duties.mark(Duty::admit);
  duties.mark(Duty::dial);
  CHECK(!duties.take(Duty::grant));
  CHECK(duties.take(Duty::admit));
  CHECK(!duties.take(Duty::admit));
  CHECK(!duties.none());
  CHECK(duties.take(Duty::dial));
  CHECK(duties.none());
}
