#include "tracker/service.h"

#include <doctest/doctest.h>

#include <string>

#include "../fleet_secrets.h"
#include "tracker/service_gate.h"
#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;

namespace {

struct ServedTracker {
  PeerTable table{{.hash_seed = 5}};
  Service service{table, {.started_at = start, .random_seed = 1}};
  Instant now = start;

  http::Response get(std::string_view path, std::string_view query = "",
                     std::string_view from = "192.0.2.1", std::string_view method = "GET") {
    return service.handle({.method = method,
                           .path = path,
                           .query = query,
                           .remote = {.address = address(from), .port = 40'000}},
                          now);
  }
  std::string announce(std::string_view query, std::string_view from = "192.0.2.1") {
    const http::Response response = get("/announce", query, from);
    CHECK(response.status == 200);
    return response.body;
  }
};

const std::string hash_a = "info_hash=%00%01aaaaaaaaaaaaaaaaaa";
// A table of one to three peers always gives a fetching peer one of two intervals: 2 s and 3 s.
std::string with_interval(std::string body) {
  for (const auto& [from, to] : {std::pair{"intervali3e", "intervali2e"}}) {
    const size_t at = body.find(from);
    if (at != std::string::npos) {
      body.replace(at, std::string_view(from).size(), to);
    }
  }
  return body;
}

std::string peer_query(std::string_view id_end, std::string_view more = "") {
  return hash_a + "&peer_id=-MU0001-abcdefghij" + std::string(id_end) +
         "&port=6881&uploaded=0&downloaded=0&left=5" + std::string(more);
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("the compact reply is six bytes a peer, and tells the asker its address") {
  ServedTracker fixture;
  fixture.announce(peer_query("01"));
  const std::string body = with_interval(fixture.announce(peer_query("02"), "198.51.100.2"));
  const std::string peer("\xC0\0\x02\x01\x1A\xE1", 6);
  CHECK(body ==
        "d8:completei0e10:downloadedi0e11:external ip4:\xC6\x33\x64\x02"
        "10:incompletei2e8:intervali2e12:min intervali1e5:peers6:" +
            peer + "e");
}

TEST_CASE("IPv6 peers come as eighteen bytes under a key of their own") {
  ServedTracker fixture;
  fixture.announce(peer_query("01"), "2001:db8::1");
  const std::string body = with_interval(fixture.announce(peer_query("02"), "198.51.100.2"));
  const std::string peer("\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01\x1A\xE1", 18);
  CHECK(contains(body, "5:peers0:6:peers618:" + peer + "e"));
  const std::string to_v6 = fixture.announce(peer_query("03"), "2001:db8::3");
  CHECK(contains(
      to_v6, "11:external ip16:" + std::string("\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x03", 16)));
}

TEST_CASE("without compact the peers come as a list, with ids unless they are not wanted") {
  ServedTracker fixture;
  fixture.announce(peer_query("01"));
  const std::string with_ids = fixture.announce(peer_query("02", "&compact=0"), "192.0.2.2");
  CHECK(
      contains(with_ids, "5:peersld2:ip9:192.0.2.17:peer id20:-MU0001-abcdefghij014:porti6881eee"));
  const std::string without_ids =
      fixture.announce(peer_query("02", "&compact=0&no_peer_id=1"), "192.0.2.2");
  CHECK(contains(without_ids, "5:peersld2:ip9:192.0.2.14:porti6881eee"));
}

TEST_CASE("garbage in an announce is answered with a failure reason") {
  ServedTracker fixture;
  const std::string no_hash = "peer_id=-MU0001-abcdefghij01&port=6881&left=0";
  for (const std::string& query :
       {std::string(), no_hash, "info_hash=short&" + no_hash, std::string("%"), std::string("&&=&"),
        hash_a, hash_a + "&peer_id=x&port=1&left=0", peer_query("01") + "%zz=1&" + hash_a,
        hash_a + "&peer_id=-MU0001-abcdefghij01&port=70000&left=0",
        hash_a + "&peer_id=-MU0001-abcdefghij01&port=-1&left=0",
        hash_a + "&peer_id=-MU0001-abcdefghij01&port=0&left=0",
        hash_a + "&peer_id=-MU0001-abcdefghij01&port=6881&left=99999999999999999999999"}) {
    INFO(query);
    const std::string body = fixture.announce(query);
    CHECK(contains(body, "14:failure reason"));
    CHECK(contains(body, "8:retry in5:never"));
    CHECK_FALSE(contains(body, "5:peers"));
  }
  CHECK(fixture.table.swarm_count() == 0);
  CHECK(fixture.service.counters().announces_refused == 12);
  CHECK(contains(fixture.announce(peer_query("01")), "5:peers0:"));
}

TEST_CASE("ip= moves a peer only when a private address says so") {
  ServedTracker fixture;
  const auto is_known = [&](std::string_view at) {
    const auto info_hash = InfoHash::from_bytes(as_bytes_of({"\0\1aaaaaaaaaaaaaaaaaa", 20}));
    const Swarm* swarm = fixture.table.find(info_hash.value());
    return swarm != nullptr && swarm->contains({address(at), 6881});
  };
  fixture.announce(peer_query("01", "&ip=203.0.113.9"), "192.0.2.1");
  CHECK(is_known("192.0.2.1"));
  CHECK_FALSE(is_known("203.0.113.9"));
  fixture.announce(peer_query("02", "&ip=203.0.113.9"), "10.0.0.1");
  CHECK(is_known("203.0.113.9"));
  CHECK_FALSE(is_known("10.0.0.1"));
}

TEST_CASE("a scrape counts what was asked for, and everything when nothing was") {
  ServedTracker fixture;
  fixture.announce(peer_query("01", "&event=started"));
  fixture.announce(hash_a + "&peer_id=-MU0001-abcdefghij02&port=1&left=0&event=completed",
                   "192.0.2.2");
  const std::string of_a("20:\0\1aaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi1e10:incompletei1ee",
                         70);
  CHECK(fixture.get("/scrape", hash_a).body == "d5:filesd" + of_a + "ee");
  CHECK(fixture.get("/scrape").body == "d5:filesd" + of_a + "ee");
  CHECK(fixture.get("/scrape", hash_a + "&info_hash=bbbbbbbbbbbbbbbbbbbb").body ==
        "d5:filesd" + of_a +
            "20:bbbbbbbbbbbbbbbbbbbbd8:completei0e10:downloadedi0e10:incompletei0eeee");
  const http::Response bad = fixture.get("/scrape", "info_hash=short");
  CHECK(bad.status == 200);
  CHECK(contains(bad.body, "14:failure reason"));
}

TEST_CASE("the pages carry the name that our peers send") {
  ServedTracker fixture;
  fixture.announce(peer_query("01", "&name=web-v42%3Cb%3E"));
  const http::Response page = fixture.get("/");
  CHECK(page.content_type == "text/html; charset=utf-8");
  CHECK(contains(page.body, "web-v42&lt;b&gt;"));
  CHECK(contains(fixture.get("/status.json").body, "\"name\":\"web-v42<b>\""));
  CHECK(fixture.get("/status.json").content_type == "application/json");
  const http::Response metrics = fixture.get("/metrics");
  CHECK(metrics.content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(contains(metrics.body, "murder_tracker_announces_total{event=\"none\"} 1\n"));
  CHECK(contains(metrics.body, "murder_tracker_http_requests_total 5\n"));
}

TEST_CASE("other paths are not found and other methods not allowed") {
  ServedTracker fixture;
  for (const char* path : {"/announce/", "//announce", "/favicon.ico", "/../status.json", ""}) {
    CHECK(fixture.get(path).status == 404);
  }
  const http::Response post = fixture.get("/announce", peer_query("01"), "192.0.2.1", "POST");
  CHECK(post.status == 405);
  REQUIRE(post.fields.size() == 1);
  CHECK(post.fields[0].name == "Allow");
  CHECK(fixture.table.swarm_count() == 0);
}

TEST_CASE("/status.json tells of one release when asked for its info hash") {
  ServedTracker fixture;
  fixture.announce(peer_query("01", "&name=v42&host=w1&size=10"));
  const auto get = [&fixture](const std::string& query) {
    return fixture.get("/status.json", query);
  };
  const std::string hex = "0001" + std::string("616161616161616161616161616161616161");
  CHECK(contains(get("info_hash=" + hex).body, "\"slowest\":[{\"host\":\"w1\""));
  CHECK(contains(get("info_hash=" + std::string(40, '0')).body, "\"swarms\":[]"));
  CHECK(contains(get("").body, "\"name\":\"v42\""));
  CHECK(get("info_hash=xyz").status == 400);
}

TEST_CASE("pages asked for back to back are kept, and announces do not wait for viewers") {
  ServedTracker fixture;
  fixture.announce(peer_query("01", "&name=before"));
  const auto is_told = [&](std::string_view path, std::string_view text) {
    const http::Response response = fixture.get(path);
    return contains(response.body, text) || contains(response.shared_body.text(), text);
  };
  for (const char* path : {"/", "/status.json", "/metrics"}) {
    uint32_t shown = 0;
    uint32_t waits = 0;
    uint32_t refused = 0;
    for (int count = 0; count < 2000; ++count) {
      const http::Response response = fixture.get(path);
      (response.status == 503 ? refused : response.wait > Duration{} ? waits : shown) += 1;
      CHECK(contains(fixture.announce(peer_query("01")), "8:interval"));
    }
    INFO(path);
    CHECK(shown < 300);
    CHECK(refused > 1000);
    CHECK(fixture.get(path).status == 503);
    fixture.now += 10s;
    CHECK(fixture.get(path).status == 200);
  }
  INFO("a fresh page for who asks now and then");
  fixture.now += 10s;
  CHECK_FALSE(is_told("/status.json", "\"seeders\":1"));
  fixture.announce(hash_a + "&peer_id=-MU0001-abcdefghij09&port=6889&left=0");
  CHECK(is_told("/status.json", "\"seeders\":1"));
}

TEST_CASE("a request that has waited is answered, and a scrape of everything is a page as well") {
  ServedTracker fixture;
  fixture.announce(peer_query("01"));
  bool has_to_wait = false;
  for (int count = 0; count < 1000 && !has_to_wait; ++count) {
    has_to_wait = fixture.get("/scrape").wait > Duration{};
  }
  REQUIRE(has_to_wait);
  const http::Response answered =
      fixture.service.handle({.method = "GET", .path = "/scrape", .has_waited = true}, fixture.now);
  CHECK(answered.wait == Duration{});
  CHECK(contains(answered.body, "10:incompletei1e"));
  CHECK(contains(fixture.get("/scrape", hash_a).body, "10:incompletei1e"));
}

TEST_CASE("a host of a deploy neither takes a release of the fleet away nor learns of its hosts") {
  ServedTracker fixture;
  fixture.service.gate().set_keys(test::fleet_keys_of({1}));
  REQUIRE(fixture.service.gate().deploys().add("one", test::secret_of(2), fixture.now));
  const auto announce = [&](uint8_t fill, std::string_view id_end, std::string_view more = "") {
    const trust::TokenKeys tokens(test::fleet_keys_of({fill}));
    const std::string target =
        tokens.signed_target("/announce?" + peer_query(id_end, more), wall_clock_s());
    return fixture.announce(std::string_view(target).substr(target.find('?') + 1),
                            fill == 1 ? "192.0.2.1" : "192.0.2.2");
  };
  CHECK_FALSE(contains(announce(1, "01"), "failure"));
  CHECK(contains(announce(2, "02"), "hosts distribute this release with the tracker's fleet key"));
  CHECK_FALSE(contains(announce(1, "01"), "failure"));
  // The last of them says that it stops.
  CHECK_FALSE(contains(announce(1, "01", "&event=stopped"), "failure"));
  CHECK_FALSE(contains(announce(2, "02"), "failure"));
  CHECK(contains(announce(1, "01"), "with a key of its deploy's own"));
}

TEST_CASE("a host of a deploy reads how far its own release is, and nothing of others") {
  ServedTracker fixture;
  for (const uint8_t fill : {uint8_t{1}, uint8_t{2}}) {
    REQUIRE(fixture.service.gate().deploys().add(std::to_string(fill), test::secret_of(fill),
                                                 fixture.now));
  }
  const auto ask = [&](uint8_t fill, const std::string& target) {
    const trust::TokenKeys tokens(test::fleet_keys_of({fill}));
    const std::string signed_target = tokens.signed_target(target, wall_clock_s());
    const size_t mark = signed_target.find('?');
    return fixture.get(std::string_view(signed_target).substr(0, mark),
                       std::string_view(signed_target).substr(mark + 1));
  };
  REQUIRE(ask(1, "/announce?" + peer_query("01", "&name=v42")).status == 200);
  std::string digits = "0001";
  for (int count = 0; count < 18; ++count) {
    digits += "61";
  }
  const std::string own = "/status.json?info_hash=" + digits;
  CHECK(contains(ask(1, own).body, "v42"));
  // By nobody's scrape, of this one or of all.
  const std::string counts = "10:incompletei1e";
  CHECK(contains(ask(1, "/scrape?" + hash_a).body, counts));
  CHECK_FALSE(contains(ask(2, "/scrape?" + hash_a).body, counts));
  CHECK_FALSE(contains(fixture.get("/scrape", hash_a).body, counts));
  CHECK_FALSE(contains(fixture.get("/scrape").body, counts));
  CHECK(ask(2, own).status == 403);
  CHECK(ask(2, "/status.json?info_hash=" + std::string(40, '7')).status == 403);
  for (const char* page : {"/", "/metrics", "/status.json", "/nothing"}) {
    CHECK(ask(1, page).status == 403);
  }
}

TEST_CASE("where there is an operator key, releases are made known by those who have it alone") {
  ServedTracker fixture;
  fixture.service.gate().set_keys(test::fleet_keys_of({1}, {7}));
  const auto announce = [&](const trust::FleetKeys& keys, std::string_view id_end) {
    const std::string target =
        trust::TokenKeys(keys).signed_target("/announce?" + peer_query(id_end), wall_clock_s());
    return fixture.announce(std::string_view(target).substr(target.find('?') + 1));
  };
  CHECK(contains(announce(test::fleet_keys_of({1}), "01"), "does not know the release"));
  CHECK(fixture.table.swarm_count() == 0);
  CHECK_FALSE(contains(announce(test::fleet_keys_of({1}, {7}), "02"), "failure"));
  CHECK_FALSE(contains(announce(test::fleet_keys_of({1}), "01"), "failure"));
}
