// What a transfer costs once it is under way, in the process that sends and receives.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "scene.h"

using namespace murder;
using namespace murder::test;

namespace {

std::atomic<uint64_t> allocation_count{0};

}  // namespace

void* operator new(size_t size_bytes) {
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size_bytes == 0 ? 1 : size_bytes);
  if (memory == nullptr) {
    std::abort();
  }
  return memory;
}
void* operator new(size_t size_bytes, const std::nothrow_t&) noexcept {
  return operator new(size_bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

TEST_CASE("a transfer that is under way allocates nothing, whatever the send path") {
  for (const node::SendPath path : {node::SendPath::automatic, node::SendPath::copy,
                                    node::SendPath::zero_copy, node::SendPath::splice}) {
    CAPTURE(static_cast<int>(path));
    Scene scene(64'000'000, 2 * 1024 * 1024);
    Watcher seeder_watcher;
    Watcher peer_watcher;
    node::NodeOptions seed_options = scene.options("seed", true, 1);
    seed_options.send_path = path;
    auto seeder = node::Node::create(*scene.reactor, scene.metainfo, seed_options, seeder_watcher);
    // A piece buffer allocates when it is first used, so there are few: three.
    node::NodeOptions peer_options = scene.options("peer", false, 1);
    peer_options.memory_bytes = 16 * 1024 * 1024;
    auto peer = node::Node::create(*scene.reactor, scene.metainfo, peer_options, peer_watcher);
    REQUIRE(seeder);
    REQUIRE(peer);
    const auto has_parts_of_ten = [&](uint64_t parts) {
      return (*peer)->progress().have_bytes >= parts * 6'400'000;
    };
    REQUIRE(scene.until([&] { return has_parts_of_ten(5); }));
    // What is said to trackers now and then allocates, so it may be in one of these parts, whereas
    // what a block or a piece costs is in all of them.
    uint64_t allocations_least = UINT64_MAX;
    for (uint64_t parts = 6; parts <= 9; ++parts) {
      const uint64_t before = allocation_count.load();
      const uint64_t bytes_before = (*peer)->progress().have_bytes;
      REQUIRE(scene.until([&] { return has_parts_of_ten(parts); }));
      if ((*peer)->progress().have_bytes > bytes_before) {
        allocations_least = std::min(allocations_least, allocation_count.load() - before);
      }
    }
    CHECK(allocations_least == 0);
    CHECK(scene.until([&] { return peer_watcher.is_complete; }));
    const auto counters = [&] { return (*seeder)->progress().stats.io; };
    CHECK(scene.until(
        [&] { return counters().sent_blocks == (*peer)->progress().stats.io.received_blocks; }));
    const node::IoCounters io = counters();
    CHECK(io.sent_memory_bytes == 0);
    CHECK(io.sent_splice_bytes + io.sent_read_bytes == scene.content.size());
    const bool never_splices = path == node::SendPath::copy || path == node::SendPath::zero_copy;
    CHECK((io.direct_calls == 0) == never_splices);
    CHECK((io.sent_splice_bytes == 0) == never_splices);
    scene.stop(**peer, peer_watcher);
    scene.stop(**seeder, seeder_watcher);
  }
}
