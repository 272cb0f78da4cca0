#include "cli/json.h"

#include <doctest/doctest.h>

namespace murder::cli {

TEST_CASE("text is escaped so that any JSON reader takes it") {
  CHECK(json_text({{"tag", "a\"b\\c\n\x01"}}) == R"({"tag":"a\"b\\c\n\u0001"})");
}

TEST_CASE("bytes that are not UTF-8 do not break the JSON") {
  const std::string text = json_text({{"tag", "v\xFF\xC3"}});
  const Result<Json> back = parse_json(text);
  REQUIRE(back);
  CHECK(text_member(*back, "tag").starts_with("v\xEF\xBF\xBD"));
}

TEST_CASE("keys stay in the order they were written in") {
  CHECK(json_text({{"z", 1}, {"a", 2}}) == R"({"z":1,"a":2})");
}

TEST_CASE("an error becomes an object with its code and text") {
  CHECK(json_text(json_of_error({ErrorCode::no_space, "/tmp is full"})) ==
        R"({"error":{"code":"no_space","text":"/tmp is full"}})");
}

TEST_CASE("what is not JSON is an error") {
  CHECK_FALSE(parse_json("{\"a\":"));
  CHECK_FALSE(parse_json(""));
}

TEST_CASE("members that are missing or of another type give the fallback") {
  const Json object = {{"text", "x"}, {"count", 7U}, {"negative", -1}};
  CHECK(text_member(object, "text") == "x");
  CHECK(text_member(object, "count", "none") == "none");
  CHECK(count_member(object, "count") == 7);
  CHECK(count_member(object, "negative", 3) == 3);
  CHECK(count_member(object, "missing", 9) == 9);
  CHECK(number_member(object, "negative") == -1);
  CHECK(text_member(Json("no object"), "text", "none") == "none");
}

}  // namespace murder::cli
