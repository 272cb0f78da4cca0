// A node that has the release and one that has not, in one process, introduced to each other by a
// small tracker.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "scene.h"

using namespace murder;
using namespace murder::test;

namespace {

void fetch(uint64_t size_bytes, uint32_t piece_bytes, uint32_t shards, bool is_encrypted = false) {
  Scene scene(size_bytes, piece_bytes);
  Watcher seeder_watcher;
  Watcher peer_watcher;
  node::NodeOptions seeder_options = scene.options("seed", true, shards);
  node::NodeOptions peer_options = scene.options("peer", false, shards);
  for (node::NodeOptions* options : {&seeder_options, &peer_options}) {
    if (is_encrypted) {
      options->fleet_keys = trust::FleetKeys{.fleet = {.count = 1}};
      options->is_encrypted = true;
    }
  }
  auto seeder = node::Node::create(*scene.reactor, scene.metainfo, seeder_options, seeder_watcher);
  REQUIRE(seeder);
  auto peer = node::Node::create(*scene.reactor, scene.metainfo, peer_options, peer_watcher);
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

TEST_CASE("a release goes from one node to another under TLS") {
  SUBCASE("many small pieces, a short last one") {
    fetch(1'000'001, 16 * 1024, 1, true);
  }
  SUBCASE("large pieces, more than there are buffers for") {
    fetch(40'000'000, 4 * 1024 * 1024, 1, true);
  }
  SUBCASE("pieces that are no multiple of a block") {
    fetch(1'000'000, 50'000, 1, true);
  }
  SUBCASE("two shards") {
    fetch(20'000'000, 64 * 1024, 2, true);
  }
}

TEST_CASE("nodes of different transports exchange nothing, and both say why") {
  for (const bool is_seeder_encrypted : {false, true}) {
    Scene scene(1'000'000, 16 * 1024);
    Watcher seeder_watcher;
    Watcher peer_watcher;
    node::NodeOptions seeder_options = scene.options("seed", true, 1);
    node::NodeOptions peer_options = scene.options("peer", false, 1);
    seeder_options.fleet_keys = peer_options.fleet_keys = trust::FleetKeys{.fleet = {.count = 1}};
    seeder_options.is_encrypted = is_seeder_encrypted;
    peer_options.is_encrypted = !is_seeder_encrypted;
    auto seeder =
        node::Node::create(*scene.reactor, scene.metainfo, seeder_options, seeder_watcher);
    auto peer = node::Node::create(*scene.reactor, scene.metainfo, peer_options, peer_watcher);
    const auto says = [](const Watcher& watcher, const std::string& text) {
      return std::any_of(watcher.notices.begin(), watcher.notices.end(),
                         [&](const std::string& line) { return line.find(text) != line.npos; });
    };
    const std::string plain = "hosts of this fleet that have --transport plain, while this one";
    const std::string tls = "hosts of this fleet that have --transport tls, while this one";
    CHECK(scene.until([&] {
      return says(seeder_watcher, is_seeder_encrypted ? plain : tls) &&
             says(peer_watcher, is_seeder_encrypted ? tls : plain);
    }));
    CHECK((*peer)->progress().have_bytes == 0);
    scene.stop(**peer, peer_watcher);
    scene.stop(**seeder, seeder_watcher);
  }
}

namespace {

// A peer that has locked what is at its path; then another process (`murder receive`) renames the
// whole archive onto that path, and a seeder serves it.
void replace_while_verified(bool is_whole_before) {
  Scene scene(1'000'000, 16 * 1024);
  const std::string path = scene.directory + "/peer/r";
  if (is_whole_before) {
    std::ofstream(path) << scene.content;
  }
  Watcher peer_watcher;
  Watcher seeder_watcher;
  auto peer = node::Node::create(*scene.reactor, scene.metainfo, scene.options("peer", false, 1),
                                 peer_watcher);
  REQUIRE(peer);
  const std::string received = scene.directory + "/peer/received";
  std::ofstream(received) << scene.content;
  const std::array<timespec, 2> long_ago = {timespec{1000, 0}, timespec{1000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, received.c_str(), long_ago.data(), 0) == 0);
  std::filesystem::rename(received, path);
  auto seeder = node::Node::create(*scene.reactor, scene.metainfo, scene.options("peer", true, 1),
                                   seeder_watcher);
  REQUIRE(seeder);
  CHECK(scene.until([&] {
    return (peer_watcher.is_complete && seeder_watcher.is_complete) ||
           !peer_watcher.failure.empty() || !seeder_watcher.failure.empty();
  }));
  CHECK(peer_watcher.failure == "");
  CHECK(seeder_watcher.failure == "");
  CHECK((*peer)->progress().resumed_bytes == scene.content.size());
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK(info.st_mtim.tv_sec == 1000);
  scene.stop(**peer, peer_watcher);
  scene.stop(**seeder, seeder_watcher);
}

}  // namespace

TEST_CASE("a file put in place of the archive while that is verified is used, and not touched") {
  SUBCASE("nothing was there") {
    replace_while_verified(false);
  }
  SUBCASE("the same archive was there") {
    replace_while_verified(true);
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
