#include "engine/base/json.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace murder {

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
  CHECK_FALSE(parse_json(std::string_view("{}\0", 3)));
  CHECK_FALSE(parse_json(std::string_view("{}\0{}", 5)));
  CHECK_FALSE(parse_json(std::string_view("{\"a\":\"\0\"}", 9)));
  CHECK_FALSE(parse_json("{} {}"));
  CHECK_FALSE(parse_json("nul"));
}

TEST_CASE("of many members with one name the last counts") {
  std::string text = "{";
  for (int each = 0; each < 20'000; ++each) {
    text += fmt::format("\"{}\":{},", each % 5000, each);
  }
  text += "\"end\":1}";
  const Result<Json> read = parse_json(text);
  REQUIRE(read);
  REQUIRE(read->members().size() == 5001);
  CHECK(read->members()[7] == Json::Member("7", 15'007));
  CHECK(read->members().back().first == "end");
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

TEST_CASE("braces make an object of pairs that begin with text, and an array of all else") {
  CHECK(json_text({{"a", {{"b", true}}}, {"c", {1, -2, 0.5}}}) ==
        R"({"a":{"b":true},"c":[1,-2,0.5]})");
  CHECK(json_text(Json::array({"k", 1})) == R"(["k",1])");
  CHECK(json_text(Json::array()) == "[]");
  CHECK(json_text(Json::object()) == "{}");
  CHECK(json_text({}) == "null");
  CHECK(json_text(std::vector<std::string>{"x", "y"}) == R"(["x","y"])");
}

TEST_CASE("what is written is read back the same") {
  const Json value = {{"text", "\u00e9\n"}, {"none", nullptr},    {"yes", true},
                      {"list", {1, "two"}}, {"least", INT64_MIN}, {"most", UINT64_MAX},
                      {"half", -0.5}};
  const Result<Json> back = parse_json(json_text(value));
  REQUIRE(back);
  CHECK(*back == value);
  CHECK((*back)["most"].count() == UINT64_MAX);
  CHECK((*back)["half"].number() == -0.5);
}

TEST_CASE("what is not there is null, and is made when it is written") {
  Json value;
  CHECK(std::as_const(value)["a"]["b"].is_null());
  CHECK_FALSE(value.contains("a"));
  value["a"]["b"] = 1;
  value["list"].push_back("x");
  value["a"]["b"] = 2;
  CHECK(json_text(value) == R"({"a":{"b":2},"list":["x"]})");
  size_t items = 0;
  for (const Json& item : value["a"]) {
    items += item.is_null() ? 0 : 1;
  }
  CHECK(items == 0);  // an object has no items
}

TEST_CASE("the last of two members of one name counts, and deep nesting is an error") {
  CHECK(count_member(*parse_json(R"({"a":1,"a":2})"), "a") == 2);
  CHECK(json_text(*parse_json(R"({"a":1,"b":[{"a":2}],"a":{"c":3,"c":4},"b":5})")) ==
        R"({"a":{"c":4},"b":5})");
  CHECK(parse_json(std::string(64, '[') + std::string(64, ']')));
  CHECK_FALSE(parse_json(std::string(65, '[') + std::string(65, ']')));
  CHECK_FALSE(parse_json(std::string(1'000'000, '[')));
}

}  // namespace murder
