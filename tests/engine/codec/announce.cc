#include "engine/codec/announce.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/base/bounds.h"
#include "engine/base/prng.h"
#include "engine/codec/bounds.h"

using namespace murder;
using namespace murder::codec;

namespace {

const std::string hash_text = "%124Vx%9A%BC%DE%F1%23Eg%89%AB%CD%EF%124Vx%9A";
const std::string required =
    "info_hash=" + hash_text + "&peer_id=-MU0001-abcdefghijkl&port=6881&left=5";

AnnounceRequest request(const std::string& query) {
  const Result<AnnounceRequest> decoded = decode_announce_query(query);
  REQUIRE(decoded);
  return *decoded;
}

std::string error_of(const std::string& query) {
  const Result<AnnounceRequest> decoded = decode_announce_query(query);
  return decoded ? "" : decoded.error().text;
}

Result<AnnounceReply> reply(std::string_view text) {
  return decode_announce_reply(as_bytes_of(text));
}

AnnouncePeer peer(std::string_view endpoint, char id) {
  AnnouncePeer result{.endpoint = *Endpoint::parse(endpoint)};
  result.peer_id.bytes.fill(static_cast<uint8_t>(id));
  return result;
}

AnnounceReply full_reply() {
  return {.warning_message = "w",
          .tracker_id = "t",
          .interval_s = 30,
          .interval_min_s = 5,
          .complete = 1,
          .incomplete = 2,
          .downloaded = 3,
          .external_ip = IpAddress::parse("192.0.2.9"),
          .peers = {peer("192.0.2.1:6881", 'a'), peer("192.0.2.2:258", 'b'),
                    peer("[2001:db8::1]:6882", 'c')}};
}

}  // namespace

TEST_CASE("the number of trackers and whether it is a source are told, and bounded") {
  AnnounceRequest request{.port = 1, .tracker_count = 2, .is_source = true};
  const std::string query = encode_announce_query(request);
  CHECK(query.find("&trackers=2&source=1") != std::string::npos);
  CHECK(decode_announce_query(query) == request);
  const std::string plain = encode_announce_query({.port = 1});
  CHECK(plain.find("trackers") == std::string::npos);
  CHECK(decode_announce_query(plain + "&trackers=99&source=x")->tracker_count == 16);
  CHECK(decode_announce_query(plain + "&trackers=0")->tracker_count == 1);
  CHECK(decode_announce_query(plain + "&trackers=-3")->tracker_count == 1);
  CHECK_FALSE(decode_announce_query(plain + "&source=x")->is_source);
}

TEST_CASE("an announce of the wire is understood") {
  const AnnounceRequest decoded = request(
      required + "&uploaded=1&downloaded=2&event=started&numwant=80&compact=1&key=1a2b&ip=" +
      "192.0.2.7&ipv6=%5B2001%3adb8%3A%3A1%5D:81&ipv4=192.0.2.8&trackerid=x%26y&name=v42&host=w%"
      "201&size=99&neighbours=17&rack=dc1%2Fr7");
  CHECK(decoded.info_hash.hex() == "123456789abcdef123456789abcdef123456789a");
  CHECK(as_text_of(decoded.peer_id.bytes) == "-MU0001-abcdefghijkl");
  CHECK(decoded.port == 6881);
  CHECK(decoded.left_bytes == 5);
  CHECK(decoded.uploaded_bytes == 1);
  CHECK(decoded.downloaded_bytes == 2);
  CHECK(decoded.event == AnnounceEvent::started);
  CHECK(decoded.peers_wanted == 80);
  CHECK(decoded.key == "1a2b");
  CHECK(decoded.ip == IpAddress::parse("192.0.2.7"));
  CHECK(decoded.ipv6 == Endpoint::parse("[2001:db8::1]:81"));
  CHECK(decoded.ipv4 == Endpoint{*IpAddress::parse("192.0.2.8"), 0});
  CHECK(decoded.tracker_id == "x&y");
  CHECK(decoded.name == "v42");
  CHECK(decoded.host == "w 1");
  CHECK(decoded.total_bytes == 99);
  CHECK(decoded.neighbour_count == 17);
  CHECK(decoded.rack == "dc1/r7");
}

TEST_CASE("what is no name of a rack is no rack, in an announce and in a reply") {
  CHECK(request(required + "&rack=r%0A7").rack.empty());
  CHECK(request(required + "&rack=" + std::string(limits::rack_name_bytes_max + 1, 'r')).rack ==
        "");
  CHECK(request(required + "&rack=" + std::string(limits::rack_name_bytes_max, 'r')).rack != "");
  CHECK_FALSE(request(required + "&neighbours=-1").neighbour_count);
  AnnounceReply reply{.interval_s = 1, .rack = "r 7"};
  CHECK(decode_announce_reply(as_bytes_of(encode_announce_reply(reply, PeerListForm::compact)))
            ->rack.empty());
  reply.rack = "r7";
  CHECK(decode_announce_reply(as_bytes_of(encode_announce_reply(reply, PeerListForm::compact)))
            ->rack == "r7");
}

TEST_CASE("what may be absent has its default") {
  const AnnounceRequest decoded = request(required);
  CHECK(decoded.event == AnnounceEvent::none);
  CHECK_FALSE(decoded.peers_wanted);
  CHECK(decoded.compact);
  CHECK_FALSE(decoded.no_peer_id);
  CHECK_FALSE(decoded.ip);
  CHECK_FALSE(request(required + "&compact=0").compact);
  CHECK(request(required + "&no_peer_id=1").no_peer_id);
}

TEST_CASE("odd values of what may be absent count as absent") {
  const AnnounceRequest decoded =
      request(required +
              "&numwant=-1&event=paused&ip=host.example&ipv4=2001:db8::1&ipv6=192.0.2.1&"
              "uploaded=-5&&unknown=x&supportcrypto=1&=&flag");
  CHECK(decoded == request(required));
}

TEST_CASE("what must be there and is not, or is malformed, is named") {
  const std::string id = "&peer_id=-MU0001-abcdefghijkl";
  CHECK(error_of("") == "no info_hash");
  CHECK(error_of("info_hash=" + hash_text) == "no peer_id");
  CHECK(error_of("info_hash=" + hash_text + id) == "no port");
  CHECK(error_of("info_hash=" + hash_text + id + "&port=1") == "no left");
  CHECK(error_of("info_hash=short" + id) == "malformed info_hash");
  CHECK(error_of("info_hash=" + hash_text + "x") == "malformed info_hash");
  CHECK(error_of("info_hash=%1") == "malformed info_hash");
  CHECK(error_of("info_hash=%zz" + hash_text) == "malformed info_hash");
  CHECK(error_of("peer_id=") == "malformed peer_id");
  for (const char* port : {"", "-1", "65536", "x", "1x", "+1", " 1", "%31%"}) {
    CAPTURE(port);
    CHECK(error_of("port=" + std::string(port)) == "malformed port");
  }
  CHECK(error_of("left=18446744073709551616") == "malformed left");
  CHECK(error_of("left=-1") == "malformed left");
  CHECK(error_of(required + "&info_hash=" + hash_text) == "info_hash twice");
  CHECK(error_of(required + "&name=%") == "malformed name");
}

TEST_CASE("random announces read back as they were written") {
  Prng prng(21);
  for (int round = 0; round < 1000; ++round) {
    AnnounceRequest made;
    for (uint8_t& byte : made.info_hash.bytes) {
      byte = static_cast<uint8_t>(prng.next());
    }
    for (uint8_t& byte : made.peer_id.bytes) {
      byte = static_cast<uint8_t>(prng.next());
    }
    made.port = static_cast<uint16_t>(prng.next());
    made.uploaded_bytes = prng.next();
    made.downloaded_bytes = prng.next();
    made.left_bytes = prng.next();
    made.event = static_cast<AnnounceEvent>(prng.below(4));
    made.compact = prng.below(2) == 0;
    made.no_peer_id = prng.below(2) == 0;
    if (prng.below(2) == 0) {
      made.peers_wanted = prng.below(300);
      made.ip = IpAddress::parse("192.0.2.1");
      made.ipv4 = Endpoint{*IpAddress::parse("192.0.2.2"), static_cast<uint16_t>(prng.below(9))};
      made.ipv6 = Endpoint{*IpAddress::parse("2001:db8::2"), static_cast<uint16_t>(prng.below(9))};
      made.key = std::string("k\0&=%+ ", 7);
      made.tracker_id = "t";
      made.name = "v42 \xc3\xa9";
      made.host = "w1";
      made.total_bytes = prng.next();
      made.neighbour_count = prng.below(100);
      made.rack = "r7";
    }
    CHECK(*decode_announce_query(encode_announce_query(made)) == made);
  }
}

TEST_CASE("the tracker's own query stays in front") {
  const AnnounceRequest made = request(required);
  CHECK(
      announce_target(*Url::parse("http://t/announce"), made).starts_with("/announce?info_hash="));
  CHECK(
      announce_target(*Url::parse("http://t/a?pass=1"), made).starts_with("/a?pass=1&info_hash="));
}

TEST_CASE("the compact reply has the bytes of BEP 23, 7 and 24") {
  CHECK(encode_announce_reply(full_reply(), PeerListForm::compact) ==
        "d8:completei1e10:downloadedi3e11:external ip4:\xc0" + std::string("\0\x02\x09", 3) +
            "10:incompletei2e8:intervali30e12:min intervali5e5:peers12:" +
            std::string("\xc0\0\x02\x01\x1a\xe1\xc0\0\x02\x02\x01\x02", 12) +
            "6:peers618:" + std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe2", 18) +
            "10:tracker id1:t15:warning message1:we");
  CHECK(encode_announce_reply({.interval_s = 9}, PeerListForm::compact) ==
        "d8:intervali9e5:peers0:e");
}

TEST_CASE("the list form names peers with and without ids") {
  const AnnounceReply made{.interval_s = 9, .peers = {peer("192.0.2.1:81", 'a')}};
  CHECK(encode_announce_reply(made, PeerListForm::list) ==
        "d8:intervali9e5:peersld2:ip9:192.0.2.17:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti81eeee");
  CHECK(encode_announce_reply(made, PeerListForm::list_without_ids) ==
        "d8:intervali9e5:peersld2:ip9:192.0.2.14:porti81eeee");
}

TEST_CASE("replies read back as they were written, in each form") {
  const AnnounceReply made = full_reply();
  CHECK(*reply(encode_announce_reply(made, PeerListForm::list)) == made);
  AnnounceReply nameless = made;
  for (AnnouncePeer& peer : nameless.peers) {
    peer.peer_id = {};
  }
  CHECK(*reply(encode_announce_reply(made, PeerListForm::list_without_ids)) == nameless);
  CHECK(*reply(encode_announce_reply(made, PeerListForm::compact)) == nameless);
  CHECK(*reply(encode_announce_reply({.interval_s = 1}, PeerListForm::compact)) ==
        AnnounceReply{.interval_s = 1});
}

TEST_CASE("a failure has its reason and when to come again (BEP 31)") {
  const AnnounceReply soon{.failure_reason = "full", .retry_in_minutes = 5};
  CHECK(encode_announce_reply(soon, PeerListForm::compact) ==
        "d14:failure reason4:full8:retry ini5ee");
  CHECK(*reply(encode_announce_reply(soon, PeerListForm::compact)) == soon);
  const AnnounceReply never{.failure_reason = "no", .retry_never = true};
  CHECK(encode_announce_reply(never, PeerListForm::compact) ==
        "d14:failure reason2:no8:retry in5:nevere");
  CHECK(*reply(encode_announce_reply(never, PeerListForm::compact)) == never);
  CHECK_FALSE(reply("d14:failure reason0:e")->failure_reason.empty());
}

TEST_CASE("what a tracker tells people is one line of bounded length") {
  const auto refused = [](const std::string& reason) {
    return reply("d14:failure reason" + std::to_string(reason.size()) + ":" + reason + "e")
        ->failure_reason;
  };
  CHECK(refused("not\nhere\x1b[2J") == "not\\nhere\\x1b[2J");
  const std::string bound(limits::tracker_text_bytes_max, 'x');
  CHECK(refused(bound) == bound);
  CHECK(refused(bound + "x") == bound + " ...");
  CHECK(refused(std::string(20'000, 'x')) == bound + " ...");
  CHECK(refused(std::string(20'000, '\x1b')).size() <= 4 * bound.size() + 4);
  // Characters of several bytes stay whole, and bytes that are none are escaped.
  const std::string almost = bound.substr(1);
  CHECK(refused(almost + "\u00fc\u00fc") == almost + " ...");
  CHECK(refused(almost + "\U0001F600" + bound) == almost + " ...");
  CHECK(refused(bound + "\x80\x80\x80\x80\x80").starts_with(bound.substr(3)));
  const Result<AnnounceReply> warned =
      reply("d8:intervali9e5:peers0:15:warning message20000:" + std::string(20'000, '\t') + "e");
  CHECK(warned->warning_message.starts_with("\\t\\t"));
  CHECK(warned->warning_message.size() == 2 * bound.size() + 4);
}

TEST_CASE("a tracker id that announces could not carry is left out") {
  const auto id_of = [](size_t bytes) {
    return reply("d8:intervali9e5:peers0:10:tracker id" + std::to_string(bytes) + ":" +
                 std::string(bytes, 't') + "e")
        ->tracker_id.size();
  };
  CHECK(id_of(limits::tracker_id_bytes_max) == limits::tracker_id_bytes_max);
  CHECK(id_of(limits::tracker_id_bytes_max + 1) == 0);
}

TEST_CASE("peers no one can reach by number are left out") {
  const Result<AnnounceReply> decoded = reply(
      "d8:intervali9e5:peersld2:ip4:host4:porti1eed2:ip9:192.0.2.14:porti0eed2:ip9:192.0.2.14:port"
      "i65536eed2:ip3:::14:porti7eei5eee");
  REQUIRE(decoded);
  REQUIRE(decoded->peers.size() == 1);
  CHECK(decoded->peers[0].endpoint.text() == "[::1]:7");
  CHECK(reply(std::string("d8:intervali9e5:peers6:\x01\x02\x03\x04\0\0e", 30))->peers.empty());
}

TEST_CASE("what is no tracker's reply is an error") {
  for (const char* text :
       {"", "<html>not found</html>", "le", "de", "d5:peers0:e", "d8:intervali-1e5:peers0:e",
        "d8:interval1:x5:peers0:e", "d8:intervali1e5:peers5:12345e", "d8:intervali1e5:peersi1ee",
        "d8:intervali1e6:peers617:12345678901234567e", "d8:intervali1e6:peers6lee",
        "d8:intervali1e5:peers0:"}) {
    CAPTURE(text);
    CHECK_FALSE(reply(text));
  }
  CHECK(reply("d8:intervali99999999999e5:peers0:e")->interval_s == UINT32_MAX);
}
