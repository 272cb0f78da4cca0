#include "engine/host/current_release.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>

#include "../../temporary_directory.h"

namespace murder::host {
namespace {

// v1 to v3, delivered and made current one after the other.
struct App {
  App() {
    for (const char* tag : {"v1", "v2", "v3"}) {
      std::filesystem::create_directory(scratch / tag);
      Result<ReleaseDirectory> directory = open();
      note_delivered(directory->record(), tag);
      REQUIRE(make_current(*directory, {.tag = tag}));
    }
  }
  [[nodiscard]] Result<ReleaseDirectory> open() const {
    Result<ReleaseDirectory> directory =
        ReleaseDirectory::open(scratch.path(), {.sync_to_disk = false});
    REQUIRE(directory);
    return directory;
  }
  [[nodiscard]] bool has(const std::string& tag) const {
    return std::filesystem::exists(scratch / tag);
  }

  TemporaryDirectory scratch;
};

}  // namespace

TEST_CASE("what was current before is told, and a rollback takes the later one off the stack") {
  const App app;
  Result<ReleaseDirectory> directory = app.open();
  const Result<Json> back = make_current(*directory, {.tag = "v2", .is_rollback = true});
  REQUIRE(back);
  CHECK(text_member(*back, "previous") == "v3");
  CHECK(text_member(*back, "link") == app.scratch / "current");
  CHECK(directory->record().activated == std::vector<std::string>{"v1", "v2"});
  CHECK_FALSE(make_current(*directory, {.tag = "v9"}));
}

TEST_CASE("a list of releases names those that are there, and where a rollback would go") {
  const App app;
  std::filesystem::remove(app.scratch / "v2");
  Result<ReleaseDirectory> directory = app.open();
  for (const char* tag : {"v1", "v2"}) {
    directory->record().placed.push_back({.tag = tag, .info_hash = std::string("hash of ") + tag});
  }
  const Result<Json> listed = keep_releases(*directory, "current", std::nullopt);
  REQUIRE(listed);
  CHECK((*listed)["releases"] == Json::array({"v1", "v3"}));
  CHECK(text_member((*listed)["info_hashes"], "v1") == "hash of v1");
  CHECK_FALSE((*listed)["info_hashes"].contains("v2"));
  CHECK((*listed)["previous"] == "v1");
  CHECK((*listed)["removed"].size() == 0);
  CHECK(app.has("v1"));
}

TEST_CASE("older releases go, but never the current one nor the one before it") {
  const App app;
  Result<ReleaseDirectory> directory = app.open();
  const Result<Json> kept = keep_releases(*directory, "current", 1);
  REQUIRE(kept);
  CHECK((*kept)["removed"] == Json::array({"v1"}));
  CHECK((*kept)["releases"] == Json::array({"v2", "v3"}));
  CHECK((*kept)["previous"] == "v2");
  CHECK_FALSE(app.has("v1"));
  CHECK(ReleaseDirectory::read_record(app.scratch.path())->delivered ==
        std::vector<std::string>{"v2", "v3"});
}

TEST_CASE("what a removal that was killed left goes with the next one") {
  const App app;
  std::filesystem::rename(app.scratch / "v1", app.scratch / ".v1.murder-0123456789ab");
  std::filesystem::create_directories(app.scratch / ".v1.murder-0123456789ab/lib");
  const std::string coming = app.scratch / ".v3.murder-0123456789ab";
  for (const char* name : {".v3.murder-0123456789ab", ".v9.murder-0123456789ab"}) {
    std::filesystem::create_directory(app.scratch / name);
  }
  // Of a release with --owner; only root can make one.
  const std::string owned = app.scratch / ".v2.murder-0123456789ab";
  std::filesystem::create_directory(owned);
  const bool is_changed = ::geteuid() != 0 || ::chown(owned.c_str(), 12345, 12345) == 0;
  REQUIRE(is_changed);
  const io::Fd locked(::open(coming.c_str(), O_RDONLY | O_DIRECTORY));
  REQUIRE(::flock(locked.get(), LOCK_EX) == 0);
  Result<ReleaseDirectory> directory = app.open();
  REQUIRE(keep_releases(*directory, "current", std::nullopt));
  CHECK(app.has(".v1.murder-0123456789ab"));  // who lists removes nothing
  REQUIRE(keep_releases(*directory, "current", 2));
  CHECK_FALSE(app.has(".v1.murder-0123456789ab"));
  CHECK_FALSE(std::filesystem::exists(owned));
  CHECK(app.has(".v3.murder-0123456789ab"));  // a peer is at work there
  CHECK(app.has(".v9.murder-0123456789ab"));  // of nothing that is recorded here
}

TEST_CASE("where no release is current it is told why there is none to go back to") {
  const TemporaryDirectory scratch;
  Result<ReleaseDirectory> directory =
      ReleaseDirectory::open(scratch.path(), {.is_read_only = true});
  REQUIRE(directory);
  const Result<Json> listed = keep_releases(*directory, "current", std::nullopt);
  REQUIRE(listed);
  CHECK((*listed)["previous"].is_null());
  CHECK_FALSE(text_member(*listed, "previous_problem").empty());
}

}  // namespace murder::host
