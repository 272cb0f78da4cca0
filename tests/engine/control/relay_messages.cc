#include "engine/control/relay_messages.h"

#include <doctest/doctest.h>

#include "engine/control/bounds.h"
#include "engine/control/message_text.h"

using namespace murder;
using namespace murder::control;

TEST_CASE("what is passed on is read as it was written") {
  const RelayGet get{.id = 7, .target = "/announce?info_hash=%00&port=1&token=1-2"};
  const Result<std::optional<RelayGet>> asked = parse_relay_get(text_of(get));
  REQUIRE(asked.has_value());
  CHECK(**asked == get);
  const RelayLink link{.target = "/control/agent?link=1-2&token=3-4"};
  CHECK(**parse_relay_link(text_of(link)) == link);
  const RelayUnlinked unlinked{.status = 403, .body = "clock 1 2\n"};
  CHECK(**parse_relay_unlinked(text_of(unlinked)) == unlinked);
  const RelayGot got{.id = UINT64_MAX, .status = 200, .body = "aGk=", .more = true};
  const Result<std::optional<RelayGot>> told = parse_relay_got(text_of(got));
  REQUIRE(told.has_value());
  CHECK(**told == got);
}

TEST_CASE("frames of the link are left alone") {
  for (const std::string& text :
       {text_of(Report{.host = "w1"}), text_of(Wanted{}), std::string("{}"), std::string("x")}) {
    INFO(text);
    CHECK_FALSE(parse_relay_get(text)->has_value());
    CHECK_FALSE(parse_relay_got(text)->has_value());
    CHECK_FALSE(parse_relay_link(text)->has_value());
    CHECK_FALSE(parse_relay_unlinked(text)->has_value());
  }
  CHECK_FALSE(parse_relay_got(text_of(RelayGet{.id = 1, .target = "/scrape"}))->has_value());
}

TEST_CASE("announces and torrents pass, and no order does") {
  for (const char* target :
       {"/announce", "/announce?a=b", "/scrape?x", "/control/torrent?info_hash=a"}) {
    CHECK_MESSAGE(may_be_relayed(target), target);
  }
  for (const char* target :
       {"", "/", "announce", "/announce/", "/control/rollout", "/control/agent",
        "/control/release?app=a", "/announce HTTP/1.1", "/announce\r\nX: y", "/status.json",
        "//announce", "/control/torrents", "http://t1/announce"}) {
    CHECK_FALSE_MESSAGE(may_be_relayed(target), target);
    CHECK_FALSE(parse_relay_get(text_of(RelayGet{.id = 1, .target = target})).has_value());
  }
  CHECK_FALSE(
      may_be_relayed("/announce?" + std::string(limits::control_relay_target_bytes_max, 'a')));
}

TEST_CASE("a link is opened at an agent's place alone") {
  for (const char* target : {"", "/control/agents", "/announce", "/control/agent HTTP/1.1",
                             "/control/agent/x", "/control/rollout?/control/agent"}) {
    CHECK_FALSE_MESSAGE(parse_relay_link(text_of(RelayLink{.target = target})), target);
  }
  CHECK_FALSE(parse_relay_unlinked(R"({"type":"unlinked","body":""})"));
  CHECK_FALSE(parse_relay_unlinked(text_of(RelayUnlinked{.body = std::string(3000, 'a')})));
}

TEST_CASE("answers that are not whole are refused") {
  for (const char* bad : {R"({"type":"got"})", R"({"type":"got","id":1,"status":200})",
                          R"({"type":"got","id":-1,"status":200,"body":""})",
                          R"({"type":"got","id":1,"status":"200","body":""})"}) {
    INFO(bad);
    CHECK_FALSE(parse_relay_got(bad).has_value());
  }
  CHECK_FALSE(parse_relay_get(R"({"type":"get","target":"/scrape"})").has_value());
}
