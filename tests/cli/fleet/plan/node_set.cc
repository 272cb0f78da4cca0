#include "cli/fleet/plan/node_set.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "cli/fleet/plan/fleet_bounds.h"

namespace murder::fleet {
namespace {

using Names = std::vector<std::string>;

Names expanded(std::string_view text) {
  const auto names = expand_node_set(text);
  return names ? *names : Names{"error: " + names.error().text};
}

std::string error_of(std::string_view text) {
  const auto names = expand_node_set(text);
  return names ? "no error" : names.error().text;
}

bool mentions(const std::string& text, std::string_view words) {
  return text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("names, ranges, steps and lists expand as ClusterShell writes them") {
  CHECK(expanded("w1") == Names{"w1"});
  CHECK(expanded("w[1-3]") == Names{"w1", "w2", "w3"});
  CHECK(expanded("w[0-10/5]") == Names{"w0", "w5", "w10"});
  CHECK(expanded("w[0-9/4]") == Names{"w0", "w4", "w8"});
  CHECK(expanded("w[7,1-2].dc1") == Names{"w7.dc1", "w1.dc1", "w2.dc1"});
  CHECK(expanded("[1-2]") == Names{"1", "2"});
}

TEST_CASE("a padded range keeps its width, an unpadded one grows") {
  CHECK(expanded("w[008-011]") == Names{"w008", "w009", "w010", "w011"});
  CHECK(expanded("w[9-11]") == Names{"w9", "w10", "w11"});
  CHECK(expanded("w[00-01]") == Names{"w00", "w01"});
  CHECK(expanded("w[0-1]") == Names{"w0", "w1"});
  CHECK(expand_node_set("w[001-120]")->size() == 120);
  CHECK(mentions(error_of("w[01-100]"), "different lengths"));
  CHECK(mentions(error_of("w[1-010]"), "different lengths"));
}

TEST_CASE("an address of IPv6 is a name, with and without the brackets of a URL") {
  CHECK(expanded("fd00::7,[fd00::8]") == Names{"fd00::7", "fd00::8"});
  CHECK(expanded("[::1] ops@[fe80::1%eth0]") == Names{"::1", "ops@fe80::1%eth0"});
  CHECK(expanded("fd00::[7-8]") == Names{"fd00::7", "fd00::8"});
  CHECK(mentions(error_of("[fd00::7]:22"), "is not a range"));
  CHECK(mentions(error_of("[10.0.0.7]"), "is not a range"));
}

TEST_CASE("several brackets give every combination, the last one fastest") {
  CHECK(expanded("r[1-2]n[01-02]") == Names{"r1n01", "r1n02", "r2n01", "r2n02"});
}

TEST_CASE("commas, blanks and line breaks join; a name counts once, where it was first") {
  CHECK(expanded("c,a b\n\ta,,c") == Names{"c", "a", "b"});
  CHECK(expanded("").empty());
  CHECK(expanded(" ,\n").empty());
}

TEST_CASE("difference, intersection and symmetric difference, from left to right") {
  CHECK(expanded("w[1-4]!w[2-3]") == Names{"w1", "w4"});
  CHECK(expanded("w[1-4]&w[3-6]") == Names{"w3", "w4"});
  CHECK(expanded("w[1-3]^w[3-4]") == Names{"w1", "w2", "w4"});
  CHECK(expanded("w[1-4]!w2,w2") == Names{"w1", "w3", "w4", "w2"});
  CHECK(expanded("w[1-3] ! w2") == Names{"w1", "w3"});
}

TEST_CASE("an operator without hosts beside it is an error") {
  for (const char* text : {"!w1", "w1!", "w1!!w2", "w1&^w2", "^"}) {
    CAPTURE(text);
    CHECK(mentions(error_of(text), "needs hosts on both sides"));
  }
}

TEST_CASE("bad notation is an error that shows it") {
  for (const char* text :
       {"w[1-",     "w[]",   "w[1-3",  "w[a-c]",           "w[3-1]",        "w[1-3/0]",
        "w[1-2-3]", "w[-3]", "w[1,]",  "w[1/2/3]",         "w[9999999999]", "w[1-3]]",
        "w[[1-2]]", "w1;rm", "w$(id)", "-oProxyCommand=x", "w/1",           "deploy@",
        "@all",     "a@b@c", "a@-b",   "w[1-2]\xC3\xA9"}) {
    CAPTURE(text);
    CHECK_FALSE(expand_node_set(text));
  }
  CHECK(mentions(error_of("w[1-3"), "w[1-3"));
  CHECK(mentions(error_of("@racks"), "nodeset -e"));
}

TEST_CASE("users and addresses are names") {
  CHECK(expanded("deploy@w[1-2],10.0.0.[1-2],fe80::1%eth0") ==
        Names{"deploy@w1", "deploy@w2", "10.0.0.1", "10.0.0.2", "fe80::1%eth0"});
}

TEST_CASE("expansion is bounded, also before it is done") {
  CHECK(expand_node_set("w[1-100000]")->size() == limits::hosts_max);
  CHECK(mentions(error_of("w[1-100001]"), "more than"));
  CHECK(mentions(error_of("w[0-999999999]"), "more than"));
  CHECK(mentions(error_of("w[1-99999]n[1-99999]r[1-99999]"), "more than"));
  CHECK(mentions(error_of("a[1-60000],b[1-60000]"), "more than"));
  CHECK(mentions(error_of("w[1][1][1][1][1][1][1][1][1]"), "brackets"));
  CHECK_FALSE(expand_node_set(std::string(limits::node_set_bytes_max + 1, 'a')));
  CHECK_FALSE(expand_node_set(std::string(limits::host_name_bytes_max + 1, 'a')));
}

TEST_CASE("what the parts of a set expand to is bounded in all, whatever is left of it") {
  const auto repeated = [](std::string_view part, int count) {
    std::string text = "w[1-100000]";
    for (int index = 0; index < count; ++index) {
      text += part;
    }
    return text;
  };
  for (const std::string_view part :
       {",w[1-100000]", "&w[1-100000]", "^w[1-100000]", "!w[1-100000]", "&w1,w[1-100000]"}) {
    CAPTURE(part);
    CHECK(mentions(error_of(repeated(part, 12)), "in all"));
  }
  // Names that are taken away one by one cost no more than they are.
  std::string text = "w[1-100000]";
  for (int number = 1; number <= 50'000; ++number) {
    text += "!w" + std::to_string(2 * number);
  }
  const Names left = expanded(text);
  CHECK(left.size() == 50'000);
  CHECK(left.front() == "w1");
  CHECK(left.back() == "w99999");
}

TEST_CASE("what was taken away comes back at the end") {
  CHECK(expanded("w[1-3]!w1,w1") == Names{"w2", "w3", "w1"});
  CHECK(expanded("w[1-3]^w[2-4]") == Names{"w1", "w4"});
  CHECK(expanded("w[1-3]^w2^w2") == Names{"w1", "w3", "w2"});
  CHECK(expanded("w[1-3]^w2,w2") == Names{"w1", "w3", "w2"});
  CHECK(expanded("w[1-5]!w2&w[1-4]") == Names{"w1", "w3", "w4"});
}

TEST_CASE("folding is short, and expands to the same set") {
  const auto folded = [](std::string_view text) { return fold_node_set(expanded(text)); };
  CHECK(folded("w[001-120]") == "w[001-120]");
  CHECK(folded("w[1-120]") == "w[1-120]");
  CHECK(folded("w2,w1,w3,w7") == "w[1-3,7]");
  CHECK(folded("w007") == "w007");
  CHECK(folded("tracker,w01.dc,w02.dc,tracker2") == "tracker,w[01-02].dc,tracker2");
  CHECK(folded("10.0.0.[1-2]") == "10.0.0.[1-2]");
  CHECK(folded("r[1-2]n[1-2]") == "r1n[1-2],r2n[1-2]");
  CHECK(folded("w[98-101]") == "w[98-101]");
  CHECK(fold_node_set({}).empty());
}

TEST_CASE("folding does not mix widths") {
  for (const char* text : {"w9,w10,w010,w011,w09", "w[099,100]", "w[9,010]", "w,w0,w00",
                           "w[08,9,10]", "a1b2c3,a1b3c3,a1b2c4", "w1234567890123,w1234567890124"}) {
    CAPTURE(text);
    Names once = expanded(text);
    Names again = expanded(fold_node_set(once));
    std::sort(once.begin(), once.end());
    std::sort(again.begin(), again.end());
    CHECK(once == again);
  }
}

}  // namespace murder::fleet
