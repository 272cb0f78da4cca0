// Nodes in one process, introduced to each other by a small tracker.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "../../content.h"
#include "engine/codec/announce.h"
#include "engine/hash/info_hash.h"
#include "engine/http/server.h"
#include "engine/node/node.h"

namespace murder::test {

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
    content = random_text(prng, size_bytes);
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

}  // namespace murder::test
