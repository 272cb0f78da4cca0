#include "engine/policy/grant_choice.h"

#include <doctest/doctest.h>

using murder::Duration;
using murder::Instant;
using murder::policy::Grantee;
using murder::policy::GranteeChoice;
using murder::policy::GrantPlace;
using murder::policy::may_grant;
using murder::policy::pause_after_refusals;
using murder::policy::pause_after_unused;
using murder::policy::place_of;
using murder::policy::Uploader;
using namespace std::chrono_literals;

namespace {

constexpr Instant granted_at{100s};

Uploader with_two_slots() {
  return {.now = granted_at, .slots = 2, .piece_bytes = 65536};
}

}  // namespace

TEST_CASE(
    "a neighbour may have as many grants as there are slots, and a backlog of as many pieces") {
  const Uploader uploader = with_two_slots();
  CHECK(may_grant({.grants = 1, .took_piece = true}, uploader));
  CHECK(!may_grant({.grants = 2, .took_piece = true}, uploader));
  CHECK(may_grant({.asked_bytes = 2 * 65536 - 1, .took_piece = true}, uploader));
  CHECK(!may_grant({.asked_bytes = 2 * 65536, .took_piece = true}, uploader));
  CHECK(!may_grant({.granted_again_at = granted_at + 1ns}, uploader));
  CHECK(may_grant({.granted_again_at = granted_at}, uploader));
}

TEST_CASE(
    "who left grants unused, and newcomers where many did, are on trial: one grant beside the "
    "slots") {
  CHECK(place_of({.took_piece = true}, false) == GrantPlace::slot);
  CHECK(place_of({.took_piece = false}, true) == GrantPlace::slot);
  CHECK(place_of({.took_piece = false}, false) == GrantPlace::trial);
  CHECK(place_of({.took_piece = true, .unused_in_row = 1}, true) == GrantPlace::trial);
  CHECK(place_of({.is_slow = true}, true) == GrantPlace::slow);
  Uploader uploader = with_two_slots();
  CHECK(may_grant({.unused_in_row = 1}, uploader));
  CHECK(!may_grant({.grants = 1, .unused_in_row = 1}, uploader));
  uploader.has_trial_place = false;
  CHECK(!may_grant({.unused_in_row = 1}, uploader));
  CHECK(may_grant({}, uploader));
}

TEST_CASE("slow ones have a place beside the slots, while there is one") {
  Uploader uploader = with_two_slots();
  CHECK(may_grant({.is_slow = true}, uploader));
  uploader.has_slow_place = false;
  CHECK(!may_grant({.is_slow = true}, uploader));
  CHECK(may_grant({.is_slow = false}, uploader));
}

TEST_CASE("one that only takes gets what others leave, after those that gave something") {
  Uploader uploader = with_two_slots();
  CHECK(place_of({.only_takes = true, .took_piece = true}, true) == GrantPlace::taker);
  CHECK(place_of({.is_slow = true, .only_takes = true}, true) == GrantPlace::taker);
  CHECK(place_of({.only_takes = true, .unused_in_row = 1}, true) == GrantPlace::trial);
  CHECK(may_grant({.only_takes = true}, uploader));
  uploader.serves_all_takers = false;
  CHECK(!may_grant({.only_takes = true}, uploader));
  CHECK(may_grant({.only_takes = true, .gave = true}, uploader));
  CHECK(may_grant({}, uploader));
  uploader.has_taker_place = false;
  CHECK(!may_grant({.only_takes = true, .gave = true}, uploader));
  CHECK(may_grant({}, uploader));
}

TEST_CASE("a first copy goes to one that lacks it, is not slow and takes what it is granted") {
  Uploader uploader = with_two_slots();
  uploader.names_piece = true;
  CHECK(may_grant({}, uploader));
  CHECK(!may_grant({.has_named_piece = true}, uploader));
  CHECK(!may_grant({.is_slow = true}, uploader));
  CHECK(!may_grant({.only_takes = true, .gave = true}, uploader));
  CHECK(!may_grant({.unused_in_row = 1}, uploader));
}

TEST_CASE("on a slow link those are served that got nothing for a while, first copies apart") {
  Uploader uploader = with_two_slots();
  uploader.link_is_slow = true;
  CHECK(!may_grant({.progressed_at = granted_at - 299ms}, uploader));
  CHECK(may_grant({.progressed_at = granted_at - 300ms}, uploader));
  uploader.piece_duration = 200ms;
  CHECK(!may_grant({.progressed_at = granted_at - 799ms}, uploader));
  uploader.piece_duration = 10s;
  CHECK(may_grant({.progressed_at = granted_at - 2s}, uploader));
  uploader.names_piece = true;
  CHECK(may_grant({.progressed_at = granted_at}, uploader));
}

TEST_CASE(
    "of two to whom nothing is under way the one that has less is chosen, and no third is asked") {
  GranteeChoice choice;
  CHECK(choice.is_best(1, 5));
  CHECK(choice.may_be_better(1));
  CHECK(!choice.may_be_better(2));
  CHECK(!choice.is_best(1, 6));
  CHECK(choice.is_best(0, 9));  // fewer grants count more
  CHECK(!choice.may_be_better(1));
  CHECK(!choice.is_made());
  CHECK(choice.is_best(0, 8));
  CHECK(choice.is_made());
}

TEST_CASE("pauses double, and end") {
  CHECK(pause_after_refusals(8) == Duration{});
  CHECK(pause_after_refusals(9) == 20ms);
  CHECK(pause_after_refusals(10) == 40ms);
  CHECK(pause_after_refusals(16) == 2560ms);
  CHECK(pause_after_refusals(1000) == 2560ms);
  CHECK(pause_after_unused(0) == 640ms);
  CHECK(pause_after_unused(1) == 1280ms);
  CHECK(pause_after_unused(7) == 81920ms);
  CHECK(pause_after_unused(1000) == 81920ms);
}
