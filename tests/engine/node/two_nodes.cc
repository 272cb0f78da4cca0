// A node that has the release and one that has not, in one process, introduced to each other by a
// small tracker.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "engine/codec/announce.h"
#include "engine/hash/info_hash.h"
#include "engine/http/server.h"
#include "engine/node/node.h"

using namespace murder;

namespace {

class TestTracker final : public http::Handler {
 public:
  http::Response handle(const http::Request& request, Instant) override {
    const auto announce = codec::decode_announce_query(request.query);
    REQUIRE(announce);
    codec::AnnounceReply reply;
    reply.interval_s = 1;
    for (const uint16_t port : ports_) {
      if (port != announce->port) {
        reply.peers.push_back({.endpoint = {*IpAddress::parse("127.0.0.1"), port}, .peer_id = {}});
      }
    }
    if (announce->event == codec::AnnounceEvent::started) {
      ports_.push_back(announce->port);
    }
    return {.body = codec::encode_announce_reply(reply, codec::PeerListForm::compact)};
  }

 private:
  std::vector<uint16_t> ports_;
};

struct Watcher final : node::NodeObserver {
  void node_ready() override { is_ready = true; }
  void node_complete() override { is_complete = true; }
  void node_notice(const std::string& line) override { notices.push_back(line); }
  void node_failed(const Error& error) override { failure = error.text; }
  void node_stopped() override { is_stopped = true; }

  bool is_ready = false;
  bool is_complete = false;
  bool is_stopped = false;
  std::string failure;
  std::vector<std::string> notices;
};

class Scene {
 public:
  explicit Scene(uint64_t size_bytes, uint32_t piece_bytes) {
    std::string pattern = (std::filesystem::temp_directory_path() / "murder-nodes-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    directory = pattern;
    Prng prng(size_bytes);
    content.resize(size_bytes);
    for (char& byte : content) {
      byte = static_cast<char>(prng.next());
    }
    std::filesystem::create_directory(directory + "/seed");
    std::filesystem::create_directory(directory + "/peer");
    std::ofstream(directory + "/seed/r") << content;
    reactor = std::move(*io::Reactor::create({}));
    auto listener = io::listen_tcp({*IpAddress::parse("127.0.0.1"), 0}, {});
    REQUIRE(listener);
    tracker_port = io::local_endpoint(listener->get())->port;
    server = std::move(*http::Server::create(*reactor, tracker, {}));
    server->serve(listener->release());
    const Geometry geometry{.total_bytes = size_bytes, .piece_bytes = piece_bytes};
    std::vector<Sha1Digest> digests;
    for (uint32_t piece = 0; piece < geometry.piece_count(); ++piece) {
      digests.push_back(hash::sha1(as_bytes_of(std::string_view(content).substr(
          geometry.piece_offset({piece}), geometry.piece_size({piece})))));
    }
    const std::string url = "http://127.0.0.1:" + std::to_string(tracker_port) + "/announce";
    const std::string torrent = codec::encode_metainfo(
        {.name = "r", .geometry = geometry, .piece_digests = digests, .tracker_tiers = {{url}}});
    metainfo = *codec::parse_metainfo(as_bytes_of(torrent));
    info_hash = hash::info_hash_of(as_bytes_of(metainfo.raw_info));
  }
  ~Scene() { std::filesystem::remove_all(directory); }

  node::NodeOptions options(const std::string& place, bool serve_only, uint32_t shards) {
    return {.info_hash = info_hash,
            .path = directory + "/" + place + "/r",
            .serve_only = serve_only,
            .name = "r",
            .ip = IpAddress::parse("127.0.0.1"),
            .shard_count = shards};
  }
  bool until(auto&& done) { return reactor->run_until(done, std::chrono::seconds(60)); }
  void stop(node::Node& one, const Watcher& watcher) {
    one.stop();
    CHECK(until([&] { return watcher.is_stopped; }));
  }

  std::string directory;
  std::string content;
  std::unique_ptr<io::Reactor> reactor;
  TestTracker tracker;
  std::unique_ptr<http::Server> server;
  uint16_t tracker_port = 0;
  codec::Metainfo metainfo;
  InfoHash info_hash;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void fetch(uint64_t size_bytes, uint32_t piece_bytes, uint32_t shards) {
  Scene scene(size_bytes, piece_bytes);
  Watcher seeder_watcher;
  Watcher peer_watcher;
  auto seeder = node::Node::create(*scene.reactor, scene.metainfo,
                                   scene.options("seed", true, shards), seeder_watcher);
  REQUIRE(seeder);
  auto peer = node::Node::create(*scene.reactor, scene.metainfo,
                                 scene.options("peer", false, shards), peer_watcher);
  REQUIRE(peer);
  CHECK(scene.until([&] { return peer_watcher.is_complete || !peer_watcher.failure.empty(); }));
  CHECK(peer_watcher.failure.empty());
  CHECK(seeder_watcher.failure.empty());
  CHECK(read_file(scene.directory + "/peer/r") == scene.content);
  CHECK((*peer)->progress().have_bytes == size_bytes);
  CHECK((*peer)->progress().stats.wasted_bytes == 0);
  scene.stop(**peer, peer_watcher);
  scene.stop(**seeder, seeder_watcher);
}

}  // namespace

TEST_CASE("a release goes from one node to another, whatever its size and pieces") {
  SUBCASE("many small pieces, a short last one") {
    fetch(1'000'001, 16 * 1024, 1);
  }
  SUBCASE("one piece shorter than a block") {
    fetch(100, 16 * 1024, 1);
  }
  SUBCASE("large pieces, more than there are buffers for") {
    fetch(40'000'000, 4 * 1024 * 1024, 1);
  }
  SUBCASE("pieces that are no multiple of a block") {
    fetch(1'000'000, 50'000, 1);
  }
  SUBCASE("nothing at all") {
    fetch(0, 16 * 1024, 1);
  }
}

TEST_CASE("several shards fetch one release together") {
  SUBCASE("two") {
    fetch(20'000'000, 64 * 1024, 2);
  }
  SUBCASE("four") {
    fetch(20'000'000, 64 * 1024, 4);
  }
}

TEST_CASE("what is on disk already is not fetched again") {
  Scene scene(10'000'000, 64 * 1024);
  std::string half = scene.content;
  half.resize(5'000'000);
  std::ofstream(scene.directory + "/peer/r") << half;
  Watcher seeder_watcher;
  Watcher peer_watcher;
  auto seeder = node::Node::create(*scene.reactor, scene.metainfo, scene.options("seed", true, 1),
                                   seeder_watcher);
  auto peer = node::Node::create(*scene.reactor, scene.metainfo, scene.options("peer", false, 1),
                                 peer_watcher);
  CHECK(scene.until([&] { return peer_watcher.is_complete; }));
  CHECK(read_file(scene.directory + "/peer/r") == scene.content);
  CHECK((*peer)->progress().resumed_bytes == 76 * 64 * 1024);
  CHECK((*peer)->progress().stats.downloaded_bytes <= 10'000'000 - 76 * 64 * 1024);
  scene.stop(**peer, peer_watcher);
  scene.stop(**seeder, seeder_watcher);
}

TEST_CASE("a seeder whose file is another one says so and serves nothing") {
  Scene scene(1'000'000, 16 * 1024);
  std::ofstream(scene.directory + "/seed/r") << std::string(1'000'000, 'x');
  Watcher watcher;
  auto seeder =
      node::Node::create(*scene.reactor, scene.metainfo, scene.options("seed", true, 1), watcher);
  REQUIRE(seeder);
  CHECK(scene.until([&] { return !watcher.failure.empty(); }));
  CHECK(watcher.failure.find("not the content") != std::string::npos);
  CHECK_FALSE(watcher.is_ready);
  scene.stop(**seeder, watcher);
}
