#include "coordinator/store/put_back.h"

#include <doctest/doctest.h>

#include "engine/control/apply.h"
#include "engine/control/coordinator.h"
#include "engine/control/snapshot.h"
#include "places.h"

using namespace murder;
using namespace murder::store;

namespace {

control::State state_in(RecordStore& store) {
  const auto lines = store.load();
  REQUIRE(lines);
  std::vector<control::Record> records;
  for (const std::string& line : *lines) {
    records.push_back(control::parse_record(line).value());
  }
  return control::replay(records, Instant{}).value();
}

}  // namespace

TEST_CASE("a state that was put back is the same but for its origin, and goes on") {
  DirectoryPlace place;
  const auto store = open_leading(place);
  CHECK(mark_as_put_back(*store, 78).error().code == ErrorCode::not_found);
  control::Coordinator coordinator({}, 77, {});
  REQUIRE(coordinator.publish("shop", "v1", hash_of(1), 1, "ann", {}));
  Lines lines;
  for (const control::Record& record : coordinator.decide({}).records) {
    lines.push_back(control::text_of(record));
  }
  REQUIRE(store->append(lines));
  control::State before = state_in(*store);
  CHECK(before.origin == 77);

  REQUIRE(mark_as_put_back(*store, 78));
  const control::State after = state_in(*store);
  CHECK(after.origin == 78);
  before.origin = 78;
  CHECK(control::text_of(after) == control::text_of(before));

  control::Coordinator next(after, 79, {});
  REQUIRE(next.publish("shop", "v2", hash_of(2), 2, "ann", {}));
  lines.clear();
  for (const control::Record& record : next.decide({}).records) {
    lines.push_back(control::text_of(record));
  }
  REQUIRE(store->append(lines));
  CHECK(state_in(*store).origin == 78);
  CHECK(state_in(*store).apps.at("shop").releases.size() == 2);
}

TEST_CASE("what is no log of a coordinator is left as it is") {
  DirectoryPlace place;
  const auto store = open_leading(place);
  REQUIRE(store->append(numbered(1, 2)));
  CHECK_FALSE(mark_as_put_back(*store, 78));
  CHECK(store->load() == numbered(1, 2));
}
