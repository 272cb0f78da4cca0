#include "cli/ui/toml_key_depth.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cli/commands/tracker/tracker_config.h"

using namespace murder;
using namespace murder::cli;

namespace {

std::string key_of(size_t parts) {
  std::string key = "a";
  for (size_t part = 1; part < parts; ++part) {
    key += part % 2 == 0 ? ".a" : " . \"b\"";
  }
  return key;
}

}  // namespace

TEST_CASE("a key with very many parts is an error with its line, not a crash") {
  const std::string key = key_of(100'000);
  for (const std::string& text :
       {key + " = 1\n", "[" + key + "]\n", "[[" + key + "]]\n", "x = {" + key + " = 1}\n",
        "x = 'unended\n" + key + " = 1\n", "x = \"unended\\\\\n" + key + " = 1\n"}) {
    const Status checked = check_toml_key_depth("# 1\n" + text, "some.toml");
    REQUIRE_FALSE(checked);
    CHECK(checked.error().text.starts_with(text[0] == 'x' && text[4] != '{' ? "some.toml:3: "
                                                                            : "some.toml:2: "));
    const auto tracker = parse_tracker_config(text, "tracker.toml");
    REQUIRE_FALSE(tracker);
    CHECK(tracker.error().text.ends_with(": a key has more than 17 parts"));
  }
}

TEST_CASE("dots in strings, comments and numbers are not those of keys") {
  const std::string dots(1000, '.');
  for (const std::string& text : std::vector<std::string>{
           "x = \"" + dots + "\"\n", "x = \"\\\"" + dots + "\"\n", "x = '" + dots + "'\n",
           "x = \"\"\"\n" + dots + "\"\n" + dots + "\"\"\"\n",
           "x = '''" + dots + "'" + dots + "'''\n", "# " + dots + "\n", "# '\n# " + dots + "\n",
           "\"" + dots + "\" = 1\n",
           "x = [1.5, 2.5, 3.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, "
           "1.5]\n",
           key_of(17) + " = 1\n" + key_of(17) + " = 1\n", "x = \"\\"}) {
    CAPTURE(text);
    CHECK(check_toml_key_depth(text, "some.toml"));
  }
}
