// How a node ends: amid its download, without being asked to, and when its start fails half-way.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "scene.h"

using namespace murder;
using namespace murder::test;
using namespace std::chrono_literals;

namespace {

constexpr uint64_t release_bytes = 20'000'000;
constexpr uint32_t release_piece_bytes = 64 * 1024;

uint32_t open_descriptor_count() {
  uint32_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    count += entry.exists() ? 1 : 0;
  }
  return count;
}

// Open files of this process are limited to those numbers while this lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t count) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit limited{.rlim_cur = count, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limited);
  }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

struct Download {
  explicit Download(uint32_t shards) : scene(release_bytes, release_piece_bytes) {
    seeder = std::move(*node::Node::create(*scene.reactor, scene.metainfo,
                                           scene.options("seed", true, 1), seeder_watcher));
    REQUIRE(scene.until([&] { return seeder_watcher.is_ready; }));
    peer = std::move(*node::Node::create(*scene.reactor, scene.metainfo,
                                         scene.options("peer", false, shards), watcher));
  }
  ~Download() { scene.stop(*seeder, seeder_watcher); }
  void run_until_received(uint64_t bytes) {
    REQUIRE(scene.until([&] { return peer->progress().stats.downloaded_bytes >= bytes; }));
  }

  Scene scene;
  Watcher seeder_watcher;
  Watcher watcher;
  std::unique_ptr<node::Node> seeder;
  std::unique_ptr<node::Node> peer;
};

}  // namespace

TEST_CASE("after a node has stopped, nothing of it is under way") {
  for (uint64_t part = 0; part < 12; ++part) {
    Download download(1);
    download.run_until_received(part * 1'500'000);
    download.scene.stop(*download.peer, download.watcher);
    const uint64_t had = download.peer->progress().have_bytes;
    // Pieces that waited for others to be hashed with would be written by now.
    CHECK_FALSE(download.scene.reactor->run_until([] { return false; }, 80ms));
    CHECK(download.peer->progress().have_bytes == had);
    download.peer.reset();
    CHECK(download.watcher.failure.empty());
  }
}

TEST_CASE("a node that is not stopped before it is destroyed ends all the same") {
  for (const uint32_t shards : {1U, 3U}) {
    for (uint64_t part = 0; part < 4; ++part) {
      Download download(shards);
      download.run_until_received(part * 4'000'000);
      download.peer.reset();
    }
  }
}

TEST_CASE("a node whose start fails for want of descriptors ends, wherever it fails") {
  for (const uint32_t shards : {1U, 3U}) {
    Scene scene(1'000'000, release_piece_bytes);
    const uint32_t before = open_descriptor_count();
    bool has_begun = false;
    uint32_t failed_count = 0;
    for (uint32_t more = 0; more < 60 && !has_begun; ++more) {
      Watcher watcher;
      std::unique_ptr<node::Node> node;
      {
        const int highest = fcntl(0, F_DUPFD_CLOEXEC, 0);  // the first one that is free
        close(highest);
        const DescriptorLimit limit(static_cast<rlim_t>(highest) + more);
        auto made = node::Node::create(*scene.reactor, scene.metainfo,
                                       scene.options("peer", false, shards), watcher);
        if (!made) {
          ++failed_count;
          continue;
        }
        node = std::move(*made);
        REQUIRE(scene.until([&] { return watcher.is_ready || !watcher.failure.empty(); }));
      }
      has_begun = watcher.is_ready;
      failed_count += has_begun ? 0 : 1;
      scene.stop(*node, watcher);
      node.reset();
      REQUIRE(scene.until([&] { return scene.server->connection_count() == 0; }));
      CHECK(open_descriptor_count() == before);
    }
    CHECK(has_begun);
    CHECK(failed_count > shards);
  }
}
