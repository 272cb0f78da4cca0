#include "coordinator/store/audit_trim.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::store;

namespace {

// Records of ten bytes each.
uint64_t kept(const AuditRange& range) {
  return first_kept(range, [](uint64_t number) -> Result<uint64_t> { return number * 10; }).value();
}

}  // namespace

TEST_CASE("all records are kept within both bounds") {
  CHECK(kept({.first = 1, .last = 100, .covered = 100, .records_max = 100, .bytes_max = 1000}) ==
        1);
  CHECK(kept({.first = 7, .last = 100, .covered = 90, .records_max = 1000, .bytes_max = 9999}) ==
        7);
}

TEST_CASE("the oldest go first, by number or by bytes") {
  CHECK(kept({.first = 1, .last = 100, .covered = 100, .records_max = 30, .bytes_max = 9999}) ==
        71);
  CHECK(kept({.first = 1, .last = 100, .covered = 100, .records_max = 999, .bytes_max = 200}) ==
        81);
  CHECK(kept({.first = 90, .last = 100, .covered = 100, .records_max = 30, .bytes_max = 999}) ==
        90);
}

TEST_CASE("records behind the snapshot stay, whatever the bounds are") {
  CHECK(kept({.first = 1, .last = 100, .covered = 40, .records_max = 30, .bytes_max = 100}) == 41);
  CHECK(kept({.first = 1, .last = 100, .covered = 0, .records_max = 1, .bytes_max = 1}) == 1);
  CHECK(kept({.first = 41, .last = 100, .covered = 40, .records_max = 1, .bytes_max = 1}) == 41);
  CHECK(kept({.first = 1, .last = 0, .covered = 0, .records_max = 5, .bytes_max = 5}) == 1);
}

TEST_CASE("what cannot be asked is an error") {
  const auto fails = [](uint64_t) -> Result<uint64_t> { return fail(ErrorCode::io, "no"); };
  CHECK_FALSE(
      first_kept({.first = 1, .last = 9, .covered = 9, .records_max = 9, .bytes_max = 9}, fails));
}
