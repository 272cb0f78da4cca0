#include "agent/child_words.h"

#include <doctest/doctest.h>

#include "engine/base/json.h"

using namespace murder;
using namespace murder::agent;

TEST_CASE("what a command says of its end is read from its last line") {
  const std::string exists = json_text(json_of_error({ErrorCode::exists, "it is not empty"}));
  CHECK(error_in(exists) == "it is not empty");
  CHECK(says_in_the_way(exists));
  CHECK_FALSE(says_in_the_way(json_text(json_of_error({ErrorCode::io, "the disk"}))));
  CHECK(warnings_in(R"({"warnings":["a","b"]})") == std::vector<std::string>{"a", "b"});
}

TEST_CASE("one that was killed is told in words, whatever line it wrote last") {
  const std::string progress = R"({"state":"fetching","done_bytes":0,"text":"a: {b}"})";
  CHECK(failure_of("the peer", "ended by signal 9: " + progress, progress) ==
        "the peer was killed before it could report (ended by signal 9)");
  CHECK(failure_of("the peer", "ended by signal 9", "") ==
        "the peer was killed before it could report (ended by signal 9)");
  CHECK(failure_of("the peer", "timed out after 1 min: " + progress, progress) ==
        "timed out after 1 min");
  CHECK(failure_of("the peer", "exit status 1: no such option", "") ==
        "exit status 1: no such option");
  CHECK(failure_of("the peer", "exit status 1: {}", R"({"error":{"text":"no space"}})") ==
        "no space");
}

TEST_CASE("a line that is something else says nothing") {
  for (const char* line : {"", "murder: no", "[1]", "{", "{}", R"({"error":5,"warnings":7})"}) {
    INFO(line);
    CHECK(error_in(line).empty());
    CHECK_FALSE(says_in_the_way(line));
    CHECK(warnings_in(line).empty());
  }
}
