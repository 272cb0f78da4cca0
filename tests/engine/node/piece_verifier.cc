#include "engine/node/piece_verifier.h"

#include "piece_scene.h"

using namespace murder;
using namespace murder::test;
using namespace std::chrono_literals;
using node::PieceVerifier;

namespace {

struct VerifierScene final : PieceScene {
  explicit VerifierScene(const PieceSceneOptions& options = {})
      : PieceScene(options), verifier(*reactor, swarm, memory, metainfo) {}

  // One more piece is whole, and waits to be hashed.
  BufferIndex bring(bool is_wrong = false) {
    const BufferIndex buffer = bring_piece(memory, is_wrong);
    verifier.add(buffer);
    return buffer;
  }
  // What is hashed now, and told to the swarm.
  std::vector<PieceVerifier::Verdict> run(bool is_stopping = false) {
    const auto verdicts = verifier.run(0, is_stopping);
    std::vector<PieceVerifier::Verdict> told(verdicts.begin(), verdicts.end());
    for (const PieceVerifier::Verdict& verdict : told) {
      swarm.piece_verified(verdict.buffer, verdict.matches, reactor->now());
    }
    return told;
  }
  // The pieces that were right are on disk: their buffers are free.
  void store_all() {
    for (const BufferIndex buffer : std::exchange(to_store, {})) {
      swarm.piece_stored(buffer, reactor->now());
    }
  }

  PieceVerifier verifier;
};

}  // namespace

TEST_CASE("a piece matches or not, as its bytes do") {
  for (const bool is_wrong : {false, true}) {
    CAPTURE(is_wrong);
    VerifierScene scene;
    CHECK(scene.verifier.is_idle());
    CHECK(scene.run().empty());
    const BufferIndex buffer = scene.bring(is_wrong);
    CHECK_FALSE(scene.verifier.is_idle());
    const auto verdicts = scene.run();
    REQUIRE(verdicts.size() == 1);
    CHECK(verdicts[0].buffer == buffer);
    CHECK(verdicts[0].matches == !is_wrong);
    CHECK(scene.verifier.is_idle());
  }
}

TEST_CASE("a piece waits for company, and never long") {
  VerifierScene scene;
  scene.bring();
  CHECK(scene.run().size() == 1);  // the first one: nothing is known of the next
  scene.pass(1ms);
  scene.bring();
  const bool has_lanes = hash::sha1_choice().lanes_min() > 1;
  const Instant whole_at = scene.reactor->now();
  size_t hashed = scene.run().size();
  CHECK(hashed == (has_lanes ? 0 : 1));
  SUBCASE("a turn comes when it has waited long enough") {
    while (hashed == 0 && scene.reactor->now() < whole_at + 1s) {
      scene.reactor->run_turn(1s);
      hashed = scene.run().size();
    }
    CHECK(scene.reactor->now() <= whole_at + policy::HashBatching::wait_max);
  }
  SUBCASE("not at all once the shard stops") {
    hashed += scene.run(/*is_stopping=*/true).size();
  }
  CHECK(hashed == 1);
}

TEST_CASE(
    "parts of a piece are hashed as they come, so that it waits for nothing when it is whole") {
  VerifierScene scene({.piece_count = 8, .piece_bytes = 512 * 1024});
  scene.bring();
  CHECK(scene.run().size() == 1);
  for (const bool is_wrong : {false, true}) {
    CAPTURE(is_wrong);
    const size_t whole_count = scene.to_verify.size();
    std::vector<PieceVerifier::Verdict> verdicts;
    while (scene.to_verify.size() == whole_count) {
      CHECK(scene.run().empty());  // hashes what there is
      REQUIRE_FALSE(scene.requests.empty());
      const BlockRange block = scene.requests.front();
      scene.requests.pop_front();
      scene.bring_block(scene.memory, block, is_wrong);
    }
    scene.verifier.add(scene.to_verify.back());
    verdicts = scene.run(/*is_stopping=*/true);
    REQUIRE(verdicts.size() == 1);
    CHECK(verdicts[0].matches == !is_wrong);
  }
}

TEST_CASE("what a buffer held before says nothing of the piece that comes into it") {
  VerifierScene scene({.piece_count = 40,
                       .piece_bytes = 256 * 1024,
                       .memory = {.buffer_count = 2, .place_count = 2}});
  uint32_t right_count = 0;
  for (uint32_t turn = 0; turn < 30; ++turn) {
    const BufferIndex buffer = scene.bring();
    for (const PieceVerifier::Verdict& verdict : scene.run(/*is_stopping=*/true)) {
      CHECK(verdict.buffer == buffer);
      right_count += verdict.matches ? 1 : 0;
    }
    scene.store_all();
  }
  CHECK(right_count == 30);
}

TEST_CASE("more pieces than there are lanes are hashed in several runs, each once") {
  constexpr uint32_t count = 3 * hash::lanes_max - 5;
  VerifierScene scene({.piece_count = count + 1,
                       .piece_bytes = 16384,
                       .memory = {.buffer_count = count, .place_count = count}});
  std::vector<uint32_t> waiting;
  for (uint32_t piece = 0; piece < count; ++piece) {
    waiting.push_back(scene.bring().raw);
  }
  std::vector<uint32_t> hashed;
  for (uint32_t round = 0; round < 3; ++round) {
    const auto verdicts = scene.run(/*is_stopping=*/true);
    CHECK(verdicts.size() <= hash::lanes_max);
    for (const PieceVerifier::Verdict& verdict : verdicts) {
      CHECK(verdict.matches);
      hashed.push_back(verdict.buffer.raw);
    }
  }
  CHECK(hashed == waiting);
  CHECK(scene.verifier.is_idle());
}
