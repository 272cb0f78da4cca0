#include "coordinator/wanted_copies.h"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace murder;
using namespace murder::coordinator;
using namespace murder::control;

namespace {

InfoHash copy_hash(uint8_t number) {
  InfoHash hash;
  hash.bytes[0] = number;
  return hash;
}

void publish(State& state, const std::string& app, uint8_t id, int64_t at_s) {
  App& known = state.apps[app];
  known.name = app;
  known.releases.push_back({.number = ReleaseNumber{++known.releases_published},
                            .tag = "v" + std::to_string(id),
                            .info_hash = copy_hash(id),
                            .published_wall_s = at_s});
}

std::vector<InfoHash> hashes(std::initializer_list<uint8_t> numbers) {
  std::vector<InfoHash> all;
  for (const uint8_t number : numbers) {
    all.push_back(copy_hash(number));
  }
  return all;
}

}  // namespace

TEST_CASE("copies are kept of the latest releases, of each app the last one first") {
  State state;
  publish(state, "shop", 1, 10);
  publish(state, "shop", 2, 20);
  publish(state, "blog", 3, 15);
  CHECK(wanted_copies(state, 8) == hashes({2, 3, 1}));
  CHECK(wanted_copies(state, 2) == hashes({2, 3}));
  CHECK(wanted_copies(state, 0).empty());
}

TEST_CASE("what a rollout is about and returns to comes first, and nothing revoked is kept") {
  State state;
  for (uint8_t id = 1; id <= 5; ++id) {
    publish(state, "shop", id, id);
  }
  state.apps["shop"].rollout = Rollout{.release = ReleaseNumber{2}};
  state.apps["shop"].rollout->targets.push_back(
      {.agent = AgentIndex{0}, .before = ReleaseNumber{1}});
  CHECK(wanted_copies(state, 3) == hashes({2, 1, 5}));
  state.apps["shop"].releases[1].revoked = true;
  state.apps["shop"].releases[4].revoked = true;
  CHECK(wanted_copies(state, 3) == hashes({1, 4, 3}));
}

TEST_CASE("one torrent of two apps is one copy") {
  State state;
  publish(state, "shop", 1, 10);
  publish(state, "blog", 1, 20);
  CHECK(wanted_copies(state, 8) == hashes({1}));
}

TEST_CASE("what the rollout before has left on hosts is kept, however many were published since") {
  State state;
  for (uint8_t id = 1; id <= 10; ++id) {
    publish(state, "shop", id, id);
  }
  // Nobody is told yet.
  state.apps["shop"].rollout = Rollout{.release = ReleaseNumber{10}, .earlier = {ReleaseNumber{1}}};
  CHECK(wanted_copies(state, 4) == hashes({10, 1, 9, 8}));
  // A host that was told and forgotten returns there as well.
  state.apps["shop"].rollout->forgotten = {{.agent = AgentIndex{0}, .before = ReleaseNumber{2}}};
  CHECK(wanted_copies(state, 4) == hashes({10, 2, 1, 9}));
}

TEST_CASE("of several apps each keeps what its rollout is about before what others return to") {
  State state;
  for (uint8_t id = 1; id <= 3; ++id) {
    publish(state, "shop", id, id);
    publish(state, "blog", static_cast<uint8_t>(10 + id), 10 + id);
  }
  state.apps["shop"].rollout = Rollout{.release = ReleaseNumber{1}};
  state.apps["blog"].rollout =
      Rollout{.release = ReleaseNumber{3}, .earlier = {ReleaseNumber{1}, ReleaseNumber{2}}};
  CHECK(wanted_copies(state, 3) == hashes({13, 1, 12}));
}

TEST_CASE("what is published again is kept before what nobody asked for") {
  State state;
  for (uint8_t id = 1; id <= 5; ++id) {
    publish(state, "shop", id, id);
  }
  CHECK(wanted_copies(state, 2, hashes({1})) == hashes({1, 5}));
}
