#include "engine/node/piece_storage.h"

#include <cerrno>

#include "piece_scene.h"

using namespace murder;
using namespace murder::test;
using node::PieceStorage;

namespace {

struct StorageScene final : PieceScene, node::ShardOutbox {
  explicit StorageScene(const PieceSceneOptions& options = {})
      : PieceScene(options),
        storage(*reactor, store_on_disk, swarm, std::move(memory), node::HomePort{*this, {0}}) {}
  ~StorageScene() {
    kernel.release_everything();
    turns();
  }

  // A piece that came whole and was right.
  BufferIndex verified_piece() {
    const BufferIndex buffer = bring_piece(storage.memory());
    swarm.piece_verified(buffer, true, reactor->now());
    REQUIRE(std::exchange(to_store, {}) == std::vector<BufferIndex>{buffer});
    storage.store(buffer, piece_in(buffer));
    return buffer;
  }
  [[nodiscard]] bool is_written(PieceIndex piece) const {
    const std::string file = read_file(directory / "r");
    const uint64_t offset = metainfo.geometry.piece_offset(piece);
    return file.size() > offset &&
           std::string_view(file).substr(offset, metainfo.geometry.piece_size(piece)) ==
               piece_content(piece);
  }
  void post(const node::ShardReport& report) override {
    const auto* failed = std::get_if<node::to_home::WriteFailed>(&report.message);
    REQUIRE(failed != nullptr);
    write_errors.push_back(failed->error_number);
  }

  std::vector<int> write_errors;
  PieceStorage storage;
};

}  // namespace

TEST_CASE("a verified piece is served from its buffer, written, and then stored") {
  StorageScene scene;
  CHECK(scene.storage.is_idle());
  CHECK_FALSE(scene.storage.start_writes());
  const BufferIndex buffer = scene.verified_piece();
  const PieceIndex piece = scene.piece_in(buffer);
  CHECK_FALSE(scene.storage.is_idle());
  CHECK(scene.storage.memory().find_unstored(piece).has_value());
  CHECK_FALSE(scene.storage.is_on_disk(piece));

  scene.kernel.disk_is_held = true;
  CHECK(scene.storage.start_writes());
  scene.turns();
  CHECK(scene.storage.writing_count() == 1);
  CHECK_FALSE(scene.storage.is_idle());
  CHECK_FALSE(scene.swarm.stored().test(piece.raw));

  scene.kernel.disk_is_held = false;
  scene.turns();
  CHECK(scene.storage.is_idle());
  CHECK(scene.storage.is_on_disk(piece));
  CHECK(scene.swarm.stored().test(piece.raw));
  CHECK(scene.is_written(piece));
}

TEST_CASE("several pieces are written side by side, each once") {
  StorageScene scene;
  std::vector<PieceIndex> pieces;
  for (uint32_t count = 0; count < 4; ++count) {
    pieces.push_back(scene.piece_in(scene.verified_piece()));
  }
  scene.kernel.disk_is_held = true;
  CHECK(scene.storage.start_writes());
  CHECK_FALSE(scene.storage.start_writes());
  CHECK(scene.storage.writing_count() == 4);
  scene.kernel.disk_is_held = false;
  scene.turns();
  CHECK(scene.kernel.write_count == 4);
  for (const PieceIndex piece : pieces) {
    CHECK(scene.swarm.stored().test(piece.raw));
  }
}

TEST_CASE("a write that comes in parts, is interrupted or told to try again is continued") {
  StorageScene scene;
  const PieceIndex piece = scene.piece_in(scene.verified_piece());
  scene.kernel.writes = {
      {.size_bytes = 1}, {.error_number = EINTR}, {.size_bytes = 30'000}, {.error_number = EAGAIN}};
  CHECK(scene.storage.start_writes());
  scene.turns(20);
  CHECK(scene.kernel.write_count == 5);
  CHECK(scene.swarm.stored().test(piece.raw));
  CHECK(scene.write_errors.empty());
}

TEST_CASE("a write that fails is reported, and its piece is not stored") {
  for (const int error_number : {ENOSPC, EIO, EDQUOT}) {
    CAPTURE(error_number);
    StorageScene scene;
    const PieceIndex piece = scene.piece_in(scene.verified_piece());
    scene.kernel.writes = {{.size_bytes = 100}, {.error_number = error_number}};
    CHECK(scene.storage.start_writes());
    scene.turns();
    CHECK(scene.write_errors == std::vector<int>{error_number});
    CHECK_FALSE(scene.swarm.stored().test(piece.raw));
    CHECK_FALSE(scene.storage.is_on_disk(piece));
    CHECK(scene.storage.is_idle());
  }
}

TEST_CASE("a disk that takes nothing more is full") {
  StorageScene scene;
  scene.verified_piece();
  scene.kernel.writes = {{.size_bytes = 0}};
  CHECK(scene.storage.start_writes());
  scene.turns();
  CHECK(scene.write_errors == std::vector<int>{ENOSPC});
}

TEST_CASE("a piece whose place is sent from stays there, on disk, until it is not") {
  // No place to spare, so that the buffer cannot leave its own.
  StorageScene scene({.memory = {.buffer_count = 3, .place_count = 3}});
  const PieceIndex piece = scene.piece_in(scene.verified_piece());
  const std::optional<uint32_t> place = scene.storage.memory().find(piece);
  REQUIRE(place);
  scene.storage.memory().pin(*place);
  CHECK(scene.storage.start_writes());
  scene.turns();
  CHECK(scene.storage.is_idle());
  CHECK(scene.storage.is_short());
  CHECK(scene.storage.is_on_disk(piece));
  CHECK_FALSE(scene.swarm.stored().test(piece.raw));
  CHECK_FALSE(scene.storage.release_pinned_places());

  scene.storage.memory().unpin(*place);
  CHECK(scene.storage.release_pinned_places());
  CHECK_FALSE(scene.storage.is_short());
  CHECK(scene.swarm.stored().test(piece.raw));
  CHECK_FALSE(scene.storage.memory().find(piece).has_value());
}

TEST_CASE("with places to spare a stored piece is still served from memory") {
  StorageScene scene;
  const PieceIndex piece = scene.piece_in(scene.verified_piece());
  const std::optional<uint32_t> place = scene.storage.memory().find(piece);
  REQUIRE(place);
  scene.storage.memory().pin(*place);
  CHECK(scene.storage.start_writes());
  scene.turns();
  CHECK_FALSE(scene.storage.is_short());
  CHECK(scene.swarm.stored().test(piece.raw));
  CHECK(scene.storage.memory().find(piece) == place);
  CHECK_FALSE(scene.storage.memory().find_unstored(piece).has_value());
  CHECK(std::memcmp(scene.storage.memory().place(*place), scene.piece_content(piece).data(),
                    scene.piece_content(piece).size()) == 0);
  scene.storage.memory().unpin(*place);
}
