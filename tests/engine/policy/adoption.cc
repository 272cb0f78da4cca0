#include "engine/policy/adoption.h"

#include <doctest/doctest.h>

using murder::policy::Adopter;
using murder::policy::HalfDonePiece;
using murder::policy::may_adopt;

TEST_CASE("who has an orphan of which something is missing may go on with it") {
  const HalfDonePiece orphan{.is_orphan = true, .misses_some = true};
  CHECK(may_adopt(orphan, {.has_piece = true}));
  CHECK(!may_adopt(orphan, {.has_piece = false}));
  CHECK(!may_adopt({.is_orphan = false, .misses_some = true}, {.has_piece = true}));
  CHECK(!may_adopt({.is_orphan = true, .misses_some = false}, {.has_piece = true}));
}

TEST_CASE("a piece of one contributor is shared with nobody, and a suspect shares none") {
  HalfDonePiece orphan{.is_orphan = true, .misses_some = true, .is_solo = true};
  Adopter adopter{.has_piece = true};
  CHECK(!may_adopt(orphan, adopter));
  orphan.is_untouched = true;  // then it is the one contributor
  CHECK(may_adopt(orphan, adopter));
  orphan.is_solo = false;
  adopter.is_suspect = true;
  CHECK(may_adopt(orphan, adopter));
  orphan.is_untouched = false;
  CHECK(!may_adopt(orphan, adopter));
}
