#include "engine/host/serial_marks.h"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace murder;
using namespace murder::host;

namespace {

const std::string sha_a(64, 'a');
const std::string sha_b(64, 'b');
const std::string sha_c(64, 'c');

std::vector<SerialMark> marks_of(const std::vector<SignedContent>& placed) {
  std::vector<SerialMark> marks;
  for (const SignedContent& content : placed) {
    REQUIRE(note_serial(marks, "shop", "", content));
  }
  return marks;
}

Step step_after(const std::vector<SignedContent>& placed, const SignedContent& next) {
  const std::vector<SerialMark> marks = marks_of(placed);
  return step_of(*find_mark(marks, "shop", ""), next);
}

}  // namespace

TEST_CASE("a serial below the highest one is a replay, whatever is in place") {
  CHECK(step_after({{sha_a, 5}}, {sha_b, 4}) == Step::replay);
  CHECK(step_after({{sha_a, 5}}, {sha_a, 4}) == Step::replay);
  CHECK(step_after({{sha_a, 5}}, {sha_a, 5}) == Step::forward);
  CHECK(step_after({{sha_a, 5}}, {sha_b, 5}) == Step::forward);
  CHECK(step_after({{sha_a, 5}}, {sha_b, 6}) == Step::forward);
  // Also after a rollback, for which its old serial is one of yesterday.
  CHECK(step_after({{sha_a, 1}, {sha_b, 2}, {sha_a, 3}}, {sha_b, 2}) == Step::replay);
  CHECK(step_after({{sha_a, 1}, {sha_b, 2}, {sha_a, 3}}, {sha_a, 1}) == Step::replay);
}

TEST_CASE("content that came before the present one steps back, though it was signed anew") {
  CHECK(step_after({{sha_a, 1}, {sha_b, 2}}, {sha_a, 3}) == Step::back);
  CHECK(step_after({{sha_a, 1}, {sha_b, 2}, {sha_c, 3}}, {sha_b, 9}) == Step::back);
  // To sign what is in place again, and to go forward after a rollback, is no step back.
  CHECK(step_after({{sha_a, 1}, {sha_b, 2}}, {sha_b, 3}) == Step::forward);
  CHECK(step_after({{sha_a, 1}, {sha_b, 2}, {sha_a, 3}}, {sha_a, 4}) == Step::forward);
  CHECK(step_after({{sha_a, 1}, {sha_b, 2}, {sha_a, 3}}, {sha_b, 4}) == Step::forward);
  CHECK(step_after({{sha_a, 1}, {sha_b, 2}, {sha_a, 3}}, {sha_c, 4}) == Step::forward);
}

TEST_CASE("each application and each target has serials of its own") {
  std::vector<SerialMark> marks = marks_of({{sha_a, 5}});
  CHECK(find_mark(marks, "", "") == nullptr);
  CHECK(find_mark(marks, "shop", "tool") == nullptr);
  CHECK(find_mark(marks, "billing", "") == nullptr);
  REQUIRE(note_serial(marks, "billing", "", {sha_b, 2}));
  CHECK(find_mark(marks, "shop", "")->serial == 5);
  CHECK(find_mark(marks, "billing", "")->serial == 2);
}

TEST_CASE("what is kept is bounded, and the highest serial is never forgotten") {
  std::vector<SerialMark> marks;
  for (uint64_t serial = 1; serial <= 3 * serial_contents_max; ++serial) {
    REQUIRE(note_serial(marks, "shop", "", {fmt::format("{:064}", serial), serial}));
  }
  CHECK(marks.front().contents.size() == serial_contents_max);
  CHECK(marks.front().serial == 3 * serial_contents_max);
  CHECK(step_of(marks.front(), {fmt::format("{:064}", 1), 2}) == Step::replay);
  while (marks.size() < serial_marks_max) {
    REQUIRE(note_serial(marks, fmt::format("app{}", marks.size()), "", {sha_a, 1}));
  }
  CHECK_FALSE(note_serial(marks, "one more", "", {sha_a, 1}));
  CHECK(note_serial(marks, "shop", "", {sha_a, 1000}));
}

TEST_CASE("serials are read as they were written, and what is damaged is not passed over") {
  std::vector<SerialMark> marks = marks_of({{sha_a, 1}, {sha_b, INT64_MAX}});
  REQUIRE(note_serial(marks, "billing/api", "tool", {sha_c, 0}));
  CHECK(serial_marks_of(parse_json(json_text(json_of(marks))).value()).value() == marks);
  const Json whole = json_of(marks);
  CHECK_FALSE(serial_marks_of(Json()));
  CHECK_FALSE(serial_marks_of(Json{{"app", "shop"}}));
  for (const char* key : {"app", "name", "serial", "sha256", "contents"}) {
    CAPTURE(key);
    Json changed = whole.items().front();
    changed[key] = Json();
    CHECK_FALSE(serial_marks_of(Json::array({changed})));
    changed[key] = -1;
    CHECK_FALSE(serial_marks_of(Json::array({changed})));
  }
}

TEST_CASE("the highest serial stays, whatever is noted after it") {
  std::vector<SerialMark> marks;
  REQUIRE(note_serial(marks, "shop", "", {sha_a, 5}));
  REQUIRE(note_serial(marks, "shop", "", {sha_b, 3}));
  CHECK(marks.front().serial == 5);
  CHECK(step_of(marks.front(), {sha_b, 4}) == Step::replay);
}
