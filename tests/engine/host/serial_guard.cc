#include "engine/host/serial_guard.h"

#include <doctest/doctest.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"
#include "engine/base/types.h"

using namespace murder;
using namespace murder::host;

namespace {

SignedPlacing placing_in(const TemporaryDirectory& scratch, std::string_view content,
                         uint64_t serial) {
  return {.release = {.content = {.sha256 = hash::sha256(as_bytes_of(content)),
                                  .size_bytes = content.size()},
                      .app = "shop",
                      .serial = serial},
          .place = {.directory = scratch.path(), .name = ""}};
}

ErrorCode code_of(const Status& status) {
  REQUIRE_FALSE(status);
  return status.error().code;
}

Status enter(const SignedPlacing& placing) {
  const Result<SerialGuard> guard = SerialGuard::enter(placing, false);
  return guard ? Status() : Status(fail(guard.error()));
}

}  // namespace

TEST_CASE("a directory remembers the serials that entered it, and lets no older one in") {
  const TemporaryDirectory scratch;
  CHECK(check_signed_placing(placing_in(scratch, "one", 7)));
  REQUIRE(enter(placing_in(scratch, "one", 7)));
  CHECK(ReleaseDirectory::read_record(scratch.path()).value().serials.front().serial == 7);
  for (const auto& check : {check_signed_placing, enter}) {
    CHECK(code_of(check(placing_in(scratch, "zero", 6))) == ErrorCode::untrusted);
  }
  CHECK(check_signed_placing(placing_in(scratch, "one", 7)));
  REQUIRE(enter(placing_in(scratch, "two", 8)));
  SignedPlacing back = placing_in(scratch, "one", 9);
  CHECK(code_of(check_signed_placing(back)) == ErrorCode::untrusted);
  back.release.allow_older = true;
  CHECK(enter(back));
  // That an older one is allowed does not help what is replayed.
  SignedPlacing replayed = placing_in(scratch, "two", 8);
  replayed.release.allow_older = true;
  CHECK(code_of(enter(replayed)) == ErrorCode::untrusted);
}

TEST_CASE("the serial is that of the directory also when the release is removed") {
  const TemporaryDirectory scratch;
  REQUIRE(enter(placing_in(scratch, "one", 7)));
  Result<ReleaseDirectory> directory =
      ReleaseDirectory::open(scratch.path(), {.sync_to_disk = false});
  REQUIRE(directory);
  note_removed(directory->record(), "v1");
  REQUIRE(directory->save_record());
  CHECK(code_of(check_signed_placing(placing_in(scratch, "zero", 6))) == ErrorCode::untrusted);
}

TEST_CASE("a signature that expires on the way is not good any more") {
  const TemporaryDirectory scratch;
  SignedPlacing placing = placing_in(scratch, "one", 7);
  placing.release.expires_at_s = std::time(nullptr) + 1000;
  CHECK(check_signed_placing(placing));
  placing.release.expires_at_s = std::time(nullptr) - 1;
  CHECK(code_of(check_signed_placing(placing)) == ErrorCode::untrusted);
  CHECK(code_of(enter(placing)) == ErrorCode::untrusted);
  CHECK(ReleaseDirectory::read_record(scratch.path()).value().serials.empty());
  placing.place = {};
  CHECK(code_of(check_signed_placing(placing)) == ErrorCode::untrusted);
}

TEST_CASE("a record that cannot be read is not one that forbids nothing") {
  const TemporaryDirectory scratch;
  std::ofstream(scratch.path() + "/.murder-releases.json")
      << R"({"delivered": [], "activated": [], "releases": [], "serials": {}})";
  CHECK_FALSE(check_signed_placing(placing_in(scratch, "one", 7)));
  CHECK_FALSE(enter(placing_in(scratch, "one", 7)));
}

TEST_CASE("what has no tag in its path is remembered beside it, by its name") {
  const TemporaryDirectory scratch;
  std::filesystem::create_directory(scratch.path() + "/real");
  std::filesystem::create_directory_symlink("real", scratch.path() + "/link");
  const SerialPlace direct = serial_place_of_path(scratch.path() + "/real/tool");
  CHECK(direct.name == "tool");
  const SerialPlace behind = serial_place_of_path(scratch.path() + "/link/tool");
  CHECK(behind.directory == direct.directory);
  CHECK(serial_place_of_path("/srv/app/").name == "app");
  CHECK(serial_place_of_path("/srv/\xFF").name.starts_with("sha256:"));
}
