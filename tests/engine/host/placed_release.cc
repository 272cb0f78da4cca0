#include "engine/host/placed_release.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "../../temporary_directory.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/release_directory.h"

using namespace murder;
using namespace murder::host;
namespace fs = std::filesystem;

namespace {

const std::string hash_a(40, 'a');
const std::string hash_b(40, 'b');

ReleasePlace place_in(const TemporaryDirectory& scratch, const std::string& info_hash) {
  return {.directory = scratch.path(),
          .tag = "v1",
          .info_hash = info_hash,
          .run_directory = scratch.path() + "/run"};
}

}  // namespace

TEST_CASE("a release that was recorded is the same one by its info hash alone") {
  const TemporaryDirectory scratch;
  CHECK(look_at_place(place_in(scratch, hash_a)).state == PlaceState::unknown);
  fs::create_directory(scratch.path() + "/v1");
  CHECK(look_at_place(place_in(scratch, hash_a)).state == PlaceState::unknown);
  REQUIRE(record_place(place_in(scratch, hash_a), {.is_delivered = false}));
  const PlaceFound same = look_at_place(place_in(scratch, hash_a));
  CHECK(same.state == PlaceState::same);
  CHECK_FALSE(same.is_unrecorded);
  CHECK(same.placed.time.size() == std::string("2026-11-29T07:00:12Z").size());
  const PlaceFound other = look_at_place(place_in(scratch, hash_b));
  CHECK(other.state == PlaceState::other);
  CHECK(error_of_other(place_in(scratch, hash_b), other.placed).text.find(hash_a) !=
        std::string::npos);
}

TEST_CASE("what was put in the place of a recorded release is not taken for it") {
  const TemporaryDirectory scratch;
  fs::create_directory(scratch.path() + "/v1");
  REQUIRE(record_place(place_in(scratch, hash_a), {.is_delivered = false}));
  fs::rename(scratch.path() + "/v1", scratch.path() + "/gone");
  CHECK(look_at_place(place_in(scratch, hash_a)).state == PlaceState::unknown);
  fs::create_directory(scratch.path() + "/v1");
  CHECK(look_at_place(place_in(scratch, hash_a)).state == PlaceState::unknown);
}

TEST_CASE("what had its name when the power went, and was not recorded yet, is known") {
  const TemporaryDirectory scratch;
  const std::string hidden = scratch.path() + "/hidden";
  fs::create_directory(hidden);
  const int tree = ::open(hidden.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ReleasePlace place = place_in(scratch, hash_a);
  place.run_directory += "/of another boot";
  REQUIRE(record_placing(place, tree));
  ::close(tree);
  CHECK(look_at_place(place).state == PlaceState::unknown);
  fs::create_directory(scratch.path() + "/v1");
  CHECK(look_at_place(place).state == PlaceState::unknown);
  fs::rename(hidden, scratch.path() + "/v1");
  const PlaceFound found = look_at_place(place);
  CHECK(found.state == PlaceState::same);
  CHECK(found.is_unrecorded);
  CHECK(look_at_place(place_in(scratch, hash_b)).state == PlaceState::unknown);
  place.signed_content = SignedContent{.sha256 = std::string(64, 'c'), .serial = 1};
  CHECK(look_at_place(place).state == PlaceState::unknown);
  REQUIRE(forget_recorded_placing(place));
  CHECK(look_at_place(place_in(scratch, hash_a)).state == PlaceState::unknown);
}

TEST_CASE("a file system that was mounted anew has the releases of before") {
  const TemporaryDirectory scratch;
  fs::create_directory(scratch.path() + "/v1");
  const ReleasePlace place = place_in(scratch, hash_a);
  REQUIRE(record_place(place, {.is_delivered = false}));
  Result<ReleaseDirectory> directory = ReleaseDirectory::open(scratch.path());
  REQUIRE(directory);
  CHECK_FALSE(directory->record().placed.front().identity.contains("device"));
  // As it was written before, by a btrfs that had another number then.
  directory->record().placed.front().identity["device"] = 7;
  REQUIRE(directory->save_record());
  CHECK(look_at_place(place).state == PlaceState::same);
}

TEST_CASE("a directory that got the inode number of a recorded one within its second is another") {
  const TemporaryDirectory scratch;
  const std::string path = scratch.path() + "/v1";
  const auto inode = [&path] {
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_ino;
  };
  fs::create_directory(path);
  const ino_t recorded = inode();
  REQUIRE(record_place(place_in(scratch, hash_a), {.is_delivered = false}));
  // The clock of file systems ticks every 10 ms at the slowest (CONFIG_HZ=100).
  std::this_thread::sleep_for(std::chrono::milliseconds(25));
  for (int i = 0; i < 50; ++i) {
    fs::remove(path);
    fs::create_directory(path);
    CHECK(look_at_place(place_in(scratch, hash_a)).state == PlaceState::unknown);
    if (inode() == recorded) {
      return;
    }
  }
  MESSAGE("no inode number was used again here");
}

TEST_CASE("a file that was written to since is another one") {
  const TemporaryDirectory scratch;
  std::ofstream(scratch.path() + "/v1") << "as it came";
  REQUIRE(record_place(place_in(scratch, hash_a), {.is_delivered = false}));
  CHECK(look_at_place(place_in(scratch, hash_a)).state == PlaceState::same);
  std::ofstream(scratch.path() + "/v1", std::ios::app) << "and more";
  CHECK(look_at_place(place_in(scratch, hash_a)).state == PlaceState::unknown);
}

TEST_CASE("only what was delivered for it is among the releases that may be removed") {
  const TemporaryDirectory scratch;
  fs::create_directory(scratch.path() + "/v1");
  REQUIRE(record_place(place_in(scratch, hash_a), {.is_delivered = false}));
  CHECK(ReleaseDirectory::read_record(scratch.path())->delivered.empty());
  REQUIRE(record_place(place_in(scratch, hash_b), {.is_delivered = true}));
  const Result<ReleaseRecord> record = ReleaseDirectory::read_record(scratch.path());
  REQUIRE(record);
  CHECK(record->delivered == std::vector<std::string>{"v1"});
  REQUIRE(record->placed.size() == 1);
  CHECK(record->placed[0].info_hash == hash_b);
}

TEST_CASE("a damaged record says nothing of what is there, and a lost place cannot be recorded") {
  const TemporaryDirectory scratch;
  fs::create_directory(scratch.path() + "/v1");
  std::ofstream(scratch.path() + "/" + std::string(release_record_name)) << "no JSON";
  CHECK(look_at_place(place_in(scratch, hash_a)).state == PlaceState::unknown);
  CHECK_FALSE(record_place(place_in(scratch, hash_a), {.is_delivered = false}));
  fs::remove(scratch.path() + "/" + std::string(release_record_name));
  fs::remove(scratch.path() + "/v1");
  CHECK_FALSE(record_place(place_in(scratch, hash_a), {.is_delivered = false}));
}
