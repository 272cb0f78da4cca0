#include <doctest/doctest.h>

#include <string>

#include "engine/codec/announce.h"
#include "engine/codec/bounds.h"

using namespace murder;
using namespace murder::codec;

namespace {

InfoHash hash_of(char c) {
  InfoHash info_hash;
  info_hash.bytes.fill(static_cast<uint8_t>(c));
  return info_hash;
}

}  // namespace

TEST_CASE("a scrape is asked for where BEP 48 says") {
  const std::vector<InfoHash> one = {hash_of('a')};
  CHECK(scrape_target(*Url::parse("http://t/announce"), {}) == "/scrape");
  CHECK(scrape_target(*Url::parse("http://t/x/announce.php?k=1"), {}) == "/x/scrape.php?k=1");
  CHECK(scrape_target(*Url::parse("http://t/announce"), one) ==
        "/scrape?info_hash=aaaaaaaaaaaaaaaaaaaa");
  CHECK_FALSE(scrape_target(*Url::parse("http://t/a"), {}));
  CHECK_FALSE(scrape_target(*Url::parse("http://t/announce/x"), {}));
  CHECK_FALSE(scrape_target(*Url::parse("http://t/xannounce"), {}));
}

TEST_CASE("the query of a scrape names any number of swarms, up to a limit") {
  CHECK(decode_scrape_query("")->empty());
  CHECK(decode_scrape_query("x=1")->empty());
  const std::string one = "info_hash=aaaaaaaaaaaaaaaaaaa%61&";
  CHECK(*decode_scrape_query(one + "info_hash=bbbbbbbbbbbbbbbbbbbb") ==
        std::vector<InfoHash>{hash_of('a'), hash_of('b')});
  CHECK_FALSE(decode_scrape_query("info_hash=short"));
  CHECK_FALSE(decode_scrape_query("info_hash=%"));
  std::string many;
  for (uint32_t count = 0; count < limits::scrape_hashes_max; ++count) {
    many += one;
  }
  CHECK(decode_scrape_query(many)->size() == limits::scrape_hashes_max);
  CHECK_FALSE(decode_scrape_query(many + one));
}

TEST_CASE("a scrape reply is sorted, without twins, and reads back") {
  const ScrapeEntry a{.info_hash = hash_of('a'), .complete = 1, .downloaded = 2, .incomplete = 3};
  const ScrapeEntry b{.info_hash = hash_of('\xff')};
  const std::string text = encode_scrape_reply({.entries = {b, a, b}});
  CHECK(text ==
        "d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi2e10:incompletei3ee20:" +
            std::string(20, '\xff') + "d8:completei0e10:downloadedi0e10:incompletei0eeee");
  CHECK(*decode_scrape_reply(as_bytes_of(text)) == ScrapeReply{.entries = {a, b}});
  const ScrapeReply failure{.failure_reason = "no"};
  CHECK(*decode_scrape_reply(as_bytes_of(encode_scrape_reply(failure))) == failure);
}

TEST_CASE("what is no scrape reply is an error, odd counts are bounded") {
  for (const char* text : {"", "de", "d5:fileslee", "x"}) {
    CHECK_FALSE(decode_scrape_reply(as_bytes_of(text)));
  }
  const auto reply = decode_scrape_reply(
      as_bytes_of("d5:filesd5:shortde20:aaaaaaaaaaaaaaaaaaaad8:completei-5e10:downloadedi"
                  "99999999999eeee"));
  REQUIRE(reply);
  REQUIRE(reply->entries.size() == 1);
  CHECK(reply->entries[0].complete == 0);
  CHECK(reply->entries[0].downloaded == UINT32_MAX);
}
