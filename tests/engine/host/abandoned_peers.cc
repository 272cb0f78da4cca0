#include "engine/host/abandoned_peers.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"
#include "engine/host/peer_outcome.h"

using namespace murder;
using namespace murder::host;
namespace fs = std::filesystem;

namespace {

// A peer of `tag` that ended like this, so long ago, with an archive of its own.
std::string leave(const TemporaryDirectory& scratch, const std::string& tag, std::string_view state,
                  Duration age) {
  const std::string archive = scratch.path() + "/" + tag + ".tar.zst";
  std::ofstream(archive) << "a part of it";
  const std::string run = scratch.path() + "/run";
  REQUIRE(write_outcome(run, tag, {{"state", state}, {"tag", tag}, {"archive", archive}}));
  const time_t then = time(nullptr) - std::chrono::duration_cast<std::chrono::seconds>(age).count();
  const timespec times[2] = {{.tv_sec = then}, {.tv_sec = then}};
  REQUIRE(utimensat(AT_FDCWD, (run + "/" + outcome_file_name(tag)).c_str(), times, 0) == 0);
  return archive;
}

}  // namespace

TEST_CASE("what a peer left goes by age, unless it is complete, or a peer is at work") {
  CHECK(is_abandoned(outcome_failed, abandoned_after, false));
  CHECK(is_abandoned(outcome_running, abandoned_after, false));
  CHECK_FALSE(is_abandoned(outcome_running, abandoned_after, true));
  CHECK_FALSE(is_abandoned(outcome_failed, abandoned_after - std::chrono::seconds(1), false));
  CHECK_FALSE(is_abandoned(outcome_done, abandoned_after, false));
}

TEST_CASE("old archives of peers that did not get their release are removed, and no others") {
  const TemporaryDirectory scratch;
  const std::string old = leave(scratch, "old", outcome_failed, abandoned_after * 2);
  const std::string young = leave(scratch, "young", outcome_failed, abandoned_after / 2);
  const std::string done = leave(scratch, "done", outcome_done, abandoned_after * 2);
  const std::string own = leave(scratch, "own", outcome_failed, abandoned_after * 2);
  const Result<RunDirectory> directory = RunDirectory::open(scratch.path() + "/run");
  REQUIRE(directory);
  remove_abandoned(*directory, "own");
  CHECK_FALSE(fs::exists(old));
  CHECK_FALSE(fs::exists(scratch.path() + "/run/" + outcome_file_name("old")));
  CHECK(fs::exists(young));
  CHECK(fs::exists(done));
  CHECK(fs::exists(own));
}

TEST_CASE("a link that got the archive's name is left alone") {
  const TemporaryDirectory scratch;
  const std::string archive = leave(scratch, "old", outcome_failed, abandoned_after * 2);
  fs::remove(archive);
  std::ofstream(scratch.path() + "/precious") << "of somebody";
  fs::create_symlink(scratch.path() + "/precious", archive);
  remove_abandoned(*RunDirectory::open(scratch.path() + "/run"), "own");
  CHECK(fs::is_symlink(fs::symlink_status(archive)));
  CHECK(fs::exists(scratch.path() + "/precious"));
}
