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
