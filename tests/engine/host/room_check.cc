#include "engine/host/room_check.h"

#include <doctest/doctest.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../../temporary_directory.h"

using namespace murder;
using host::check_room;

namespace {

constexpr uint64_t more_than_any_disk = uint64_t{1} << 62;

}  // namespace

TEST_CASE("what fits is no error, wherever the directory begins to exist") {
  const TemporaryDirectory temporary;
  CHECK(check_room(temporary.path(), {.unpacked_bytes = 1, .entries = 1}));
  CHECK(check_room(temporary.path() + "/not/yet/there", {.unpacked_bytes = 1, .entries = 1}));
  CHECK(check_room("also-not-there", {}));
}

TEST_CASE("too little room is an error that says how much there is") {
  const TemporaryDirectory temporary;
  const std::string place = temporary.path() + "/not/there";
  const Status full = check_room(place, {.unpacked_bytes = more_than_any_disk});
  REQUIRE_FALSE(full);
  CHECK(full.error().code == ErrorCode::no_space);
  CHECK(full.error().text.find("the disk of " + place + " is too full") != std::string::npos);
  struct statvfs status {};
  REQUIRE(statvfs(temporary.path().c_str(), &status) == 0);
  const Status inodes = check_room(place, {.entries = more_than_any_disk});
  // A file system that does not count them has always enough.
  CHECK(inodes.has_value() == (status.f_files == 0));
  if (!inodes) {
    CHECK(inodes.error().text.find("too few inodes") != std::string::npos);
  }
}

TEST_CASE("archive and release must fit together where they share a disk") {
  const TemporaryDirectory temporary;
  struct statvfs status {};
  REQUIRE(statvfs(temporary.path().c_str(), &status) == 0);
  const uint64_t free_bytes =
      uint64_t{geteuid() == 0 ? status.f_bfree : status.f_bavail} * status.f_frsize;
  const uint64_t most = free_bytes / 4 * 3;
  CHECK(check_room(temporary.path(), {.unpacked_bytes = most}));
  CHECK(check_room(temporary.path(),
                   {.unpacked_bytes = most, .archive_bytes = most, .archive_directory = "/proc"}));
  CHECK_FALSE(check_room(temporary.path(), {.unpacked_bytes = most,
                                            .archive_bytes = most,
                                            .archive_directory = temporary.path() + "/temp"}));
}
