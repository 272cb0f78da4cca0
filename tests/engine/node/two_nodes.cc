// A node that has the release and one that has not, in one process, introduced to each other by a
// small tracker.
#include <doctest/doctest.h>

#include "scene.h"

using namespace murder;
using namespace murder::test;

namespace {

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
