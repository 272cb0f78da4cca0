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

TEST_CASE("a scrape reply is sorted and without twins") {
  const ScrapeEntry a{.info_hash = hash_of('a'), .complete = 1, .downloaded = 2, .incomplete = 3};
  const ScrapeEntry b{.info_hash = hash_of('\xff')};
  const std::string text = encode_scrape_reply({.entries = {b, a, b}});
  CHECK(text ==
        "d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi2e10:incompletei3ee20:" +
            std::string(20, '\xff') + "d8:completei0e10:downloadedi0e10:incompletei0eeee");
  CHECK(encode_scrape_reply({.failure_reason = "no"}) == "d14:failure reason2:noe");
}
