// The ways from a file or from memory to the other node's file.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "scene.h"

using namespace murder;
using namespace murder::test;

namespace {

struct Party {
  Party(Scene& of, const node::NodeOptions& options) : scene(of) {
    auto made = node::Node::create(*scene.reactor, scene.metainfo, options, watcher);
    REQUIRE(made);
    node = std::move(*made);
  }
  void stop() { scene.stop(*node, watcher); }

  Scene& scene;
  Watcher watcher;
  std::unique_ptr<node::Node> node;
};

void fetch(uint64_t size_bytes, uint32_t piece_bytes, node::SendPath path, bool is_cold) {
  Scene scene(size_bytes, piece_bytes);
  node::NodeOptions seed_options = scene.options("seed", true, 1);
  seed_options.send_path = path;
  Party seeder(scene, seed_options);
  CHECK(scene.until([&] { return seeder.watcher.is_ready; }));
  if (is_cold) {
    const int fd = open((scene.directory + "/seed/r").c_str(), O_RDONLY);
    fsync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
  }
  Party peer(scene, scene.options("peer", false, 1));
  CHECK(scene.until([&] { return peer.watcher.is_complete; }));
  CHECK(seeder.watcher.failure.empty());
  CHECK(read_file(scene.directory + "/peer/r") == scene.content);
  CHECK(scene.until([&] { return seeder.node->progress().stats.uploaded_bytes == size_bytes; }));
  peer.stop();
  seeder.stop();
}

}  // namespace

TEST_CASE("every send path delivers, from the cache and from the disk") {
  for (const node::SendPath path : {node::SendPath::automatic, node::SendPath::copy,
                                    node::SendPath::zero_copy, node::SendPath::splice}) {
    CAPTURE(static_cast<int>(path));
    fetch(9'000'001, 1024 * 1024, path, false);
    fetch(9'000'001, 1024 * 1024, path, true);
    fetch(300'001, 16 * 1024, path, false);
  }
}

// What is on the disk of the first peer is replaced, so only its memory can have what it serves.
TEST_CASE("a piece that was stored lately is served from memory") {
  for (const node::SendPath path :
       {node::SendPath::automatic, node::SendPath::copy, node::SendPath::zero_copy}) {
    CAPTURE(static_cast<int>(path));
    Scene scene(5'000'000, 256 * 1024);
    Party seeder(scene, scene.options("seed", true, 1));
    node::NodeOptions options = scene.options("peer", false, 1);
    options.send_path = path;
    Party first(scene, options);
    CHECK(scene.until([&] { return first.watcher.is_complete; }));
    seeder.stop();
    const std::string file = scene.directory + "/peer/r";
    CHECK(read_file(file) == scene.content);
    std::fstream(file, std::ios::in | std::ios::out) << std::string(scene.content.size(), 'x');
    std::filesystem::create_directory(scene.directory + "/second");
    Party second(scene, scene.options("second", false, 1));
    CHECK(scene.until([&] { return second.watcher.is_complete; }));
    CHECK(read_file(scene.directory + "/second/r") == scene.content);
    CHECK(second.node->progress().stats.failed_pieces == 0);
    second.stop();
    first.stop();
  }
}

TEST_CASE("a file that is made shorter while it is served ends the seeder, with a reason") {
  for (const node::SendPath path : {node::SendPath::copy, node::SendPath::splice}) {
    CAPTURE(static_cast<int>(path));
    Scene scene(9'000'001, 1024 * 1024);
    node::NodeOptions seed_options = scene.options("seed", true, 1);
    seed_options.send_path = path;
    Party seeder(scene, seed_options);
    CHECK(scene.until([&] { return seeder.watcher.is_ready; }));
    std::filesystem::resize_file(scene.directory + "/seed/r", 100'000);
    Party peer(scene, scene.options("peer", false, 1));
    CHECK(scene.until([&] { return !seeder.watcher.failure.empty(); }));
    CHECK(seeder.watcher.failure.find("changed") != std::string::npos);
    CHECK_FALSE(peer.watcher.is_complete);
    peer.stop();
    seeder.stop();
  }
}

TEST_CASE("rate limits of either side are kept") {
  // What passes at once, and then 4 MB a second: a quarter of a second at the least.
  constexpr uint64_t rate = 4'000'000;
  const auto seconds = [](uint64_t upload_limit, uint64_t download_limit) {
    Scene scene(1'500'000, 64 * 1024);
    node::NodeOptions seed_options = scene.options("seed", true, 1);
    seed_options.upload_limit = upload_limit;
    Party seeder(scene, seed_options);
    CHECK(scene.until([&] { return seeder.watcher.is_ready; }));
    node::NodeOptions options = scene.options("peer", false, 1);
    options.download_limit = download_limit;
    Party peer(scene, options);
    CHECK(scene.until([&] { return peer.watcher.is_ready; }));
    const Instant begin = scene.reactor->now();
    CHECK(scene.until([&] { return peer.watcher.is_complete; }));
    const double taken = seconds_of(scene.reactor->now() - begin);
    CHECK(read_file(scene.directory + "/peer/r") == scene.content);
    peer.stop();
    seeder.stop();
    return taken;
  };
  CHECK(seconds(rate, 0) > 0.3);
  CHECK(seconds(0, rate) > 0.3);
}
