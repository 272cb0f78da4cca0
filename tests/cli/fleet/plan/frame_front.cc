#include "cli/fleet/plan/frame_front.h"

#include <doctest/doctest.h>

#include <string>

#include "cli/fleet/plan/host_result.h"

using namespace murder::fleet;

TEST_CASE("what stands in front of a command's output is skipped, wherever it is cut") {
  const std::string mark(frame_begin_mark);
  const std::string own = "\0\0\0\7hello\n" + mark + "\n";
  const std::string all = "Welcome!\n--murder-\n--" + mark + "|10.0.0.1|\n" + own;
  for (size_t part = 1; part <= all.size(); ++part) {
    FrameFront front;
    std::string got;
    for (size_t begin = 0; begin < all.size(); begin += part) {
      got += front.take(std::string_view(all).substr(begin, part));
    }
    CHECK(front.is_found());
    CHECK(got == own);
  }
}

TEST_CASE("without a mark nothing is passed on") {
  FrameFront front;
  CHECK(front.take("This account is not available.\n").empty());
  CHECK(front.take(std::string(100'000, '-')).empty());
  CHECK_FALSE(front.is_found());
  // The rest of the line of the mark may come late.
  CHECK(front.take(std::string(frame_begin_mark)).empty());
  CHECK(front.take("|facts").empty());
  CHECK_FALSE(front.is_found());
  CHECK(front.take("|\nx") == "x");
}
