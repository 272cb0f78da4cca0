#include "engine/archive/exclude_patterns.h"

#include <doctest/doctest.h>

#include <string>

using namespace murder;
using namespace murder::archive;

namespace {

bool excludes(const std::string& pattern, std::string_view path, bool is_directory = false) {
  const Result<ExcludePatterns> patterns = ExcludePatterns::parse({pattern});
  REQUIRE_MESSAGE(patterns, pattern);
  return patterns->match(path, is_directory);
}

}  // namespace

TEST_CASE("a pattern without a slash is a name at any depth") {
  CHECK(excludes("node_modules", "node_modules"));
  CHECK(excludes("node_modules", "a/b/node_modules"));
  CHECK_FALSE(excludes("node_modules", "node_modules2"));
  CHECK_FALSE(excludes("node_modules", "a/node_modules/b"));  // its directory is left out already
  CHECK(excludes("*.o", "main.o"));
  CHECK(excludes("*.o", "src/.o"));
  CHECK_FALSE(excludes("*.o", "main.o/file"));
  CHECK(excludes("te?t", "x/test"));
  CHECK_FALSE(excludes("te?t", "x/te/t"));
}

TEST_CASE("a pattern with a slash is a path from the root") {
  CHECK(excludes("/build", "build"));
  CHECK(excludes("./build", "build"));
  CHECK_FALSE(excludes("/build", "a/build"));
  CHECK(excludes("a/b", "a/b"));
  CHECK_FALSE(excludes("a/b", "x/a/b"));
  CHECK(excludes("a/*/c", "a/b/c"));
  CHECK_FALSE(excludes("a/*/c", "a/b/b/c"));
  CHECK_FALSE(excludes("a/*", "a"));
}

TEST_CASE("two stars stand for any number of directories") {
  CHECK(excludes("**/cache", "cache"));
  CHECK(excludes("**/cache", "a/b/cache"));
  CHECK(excludes("a/**/z", "a/z"));
  CHECK(excludes("a/**/z", "a/b/c/z"));
  CHECK_FALSE(excludes("a/**/z", "a/b/zz"));
  CHECK(excludes("a/**", "a/b"));
  CHECK(excludes("a/**", "a/b/c"));
  CHECK_FALSE(excludes("a/**", "a"));
  CHECK(excludes("a/**/b/**/c", "a/b/x/b/c"));
  CHECK(excludes("**", "anything/at/all"));
}

TEST_CASE("a slash at the end means directories alone") {
  CHECK(excludes("tmp/", "a/tmp", true));
  CHECK_FALSE(excludes("tmp/", "a/tmp", false));
  CHECK(excludes("/tmp/", "tmp", true));
  CHECK_FALSE(excludes("/tmp/", "a/tmp", true));
}

TEST_CASE("sets, escapes and odd patterns match what they say") {
  CHECK(match_name("[a-c]x", "bx"));
  CHECK_FALSE(match_name("[a-c]x", "dx"));
  CHECK(match_name("[!a-c]x", "dx"));
  CHECK(match_name("[^a-c]x", "dx"));
  CHECK_FALSE(match_name("[!a-c]x", "ax"));
  CHECK(match_name("[]x]", "]"));
  CHECK(match_name("[a-]", "-"));
  CHECK(match_name("[\\]]", "]"));
  CHECK(match_name("[ab", "[ab"));
  CHECK(match_name("\\*", "*"));
  CHECK_FALSE(match_name("\\*", "x"));
  CHECK(match_name("a\\", "a\\"));
  CHECK(match_name("*", ""));
  CHECK(match_name("*a*b*", "xxaxxbxx"));
  CHECK_FALSE(match_name("*a*b", "ba"));
  CHECK(match_name("\xff*", "\xff\xfe"));
  CHECK_FALSE(match_name("", "x"));
}

TEST_CASE("a pattern of many stars takes no time to fail") {
  std::string pattern;
  for (int count = 0; count < 200; ++count) {
    pattern += "*a";
  }
  CHECK_FALSE(match_name(pattern + "b", std::string(10000, 'a')));
  std::string deep = "x";
  for (int level = 0; level < 900; ++level) {
    deep += "/x";
  }
  CHECK_FALSE(excludes("**/x/**/x/**/x/**/x/**/x/**/y", deep));
}

TEST_CASE("what is no pattern is refused") {
  for (const char* pattern : {"", "/", "./", "!keep", "..", "a/../b"}) {
    CAPTURE(pattern);
    CHECK_FALSE(ExcludePatterns::parse({pattern}));
  }
  CHECK(excludes("\\!keep", "!keep"));
}
