#include "engine/host/release_directory.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"

namespace murder::host {

TEST_CASE("a release is a directory or a file, and can be current and be removed") {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() + "/v1/lib");
  std::ofstream(directory.path() + "/v2") << "a file";
  std::filesystem::create_symlink("v2", directory.path() + "/v3");
  Result<ReleaseDirectory> releases = ReleaseDirectory::open(directory.path());
  REQUIRE(releases);
  for (const char* tag : {"v1", "v2"}) {
    CAPTURE(tag);
    CHECK(releases->has(tag));
    CHECK(releases->switch_to(tag, "current"));
    CHECK(releases->current("current").value() == tag);
    CHECK(releases->remove(tag));
    CHECK_FALSE(releases->has(tag));
  }
  CHECK_FALSE(releases->has("v3"));
  CHECK_FALSE(releases->has("v4"));
  CHECK_FALSE(releases->switch_to("v4", "current"));
}

TEST_CASE("a lock that another user may take on the directory holds nobody up, and none is left") {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() + "/v1");
  const io::Fd other(::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY));
  REQUIRE(::flock(other.get(), LOCK_EX) == 0);
  {
    Result<ReleaseDirectory> releases = ReleaseDirectory::open(directory.path());
    REQUIRE(releases);
    const std::string lock = directory.path() + "/" + std::string(release_lock_name);
    struct stat status {};
    REQUIRE(::stat(lock.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
    // While it is held, who only reads needs no lock.
    CHECK(ReleaseDirectory::open(directory.path(), {.is_read_only = true}));
  }
  CHECK_FALSE(std::filesystem::exists(directory.path() + "/" + std::string(release_lock_name)));
}

TEST_CASE("a link or a fifo at the name of the lock or of the record is not used") {
  const TemporaryDirectory directory;
  const std::string lock = directory.path() + "/" + std::string(release_lock_name);
  const std::string record = directory.path() + "/" + std::string(release_record_name);
  REQUIRE(::symlink("victim", lock.c_str()) == 0);
  CHECK_FALSE(ReleaseDirectory::open(directory.path()));
  CHECK_FALSE(std::filesystem::exists(directory.path() + "/victim"));
  REQUIRE(::unlink(lock.c_str()) == 0);
  REQUIRE(::mkfifo(record.c_str(), 0600) == 0);
  CHECK_FALSE(ReleaseDirectory::open(directory.path()));
  CHECK_FALSE(std::filesystem::exists(lock));
}

TEST_CASE("what a switch that was killed left is removed by the next one of that link") {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory.path() + "/v1");
  for (const char* name : {"/.current.murder-0123456789ab", "/.other.murder-0123456789ab"}) {
    std::filesystem::create_symlink("v1", directory.path() + name);
  }
  const std::string tree = directory.path() + "/.current.murder-123456789abc";
  std::filesystem::create_directories(tree);
  Result<ReleaseDirectory> releases = ReleaseDirectory::open(directory.path());
  REQUIRE(releases);
  CHECK(releases->switch_to("v1", "current"));
  CHECK_FALSE(std::filesystem::is_symlink(directory / ".current.murder-0123456789ab"));
  CHECK(std::filesystem::is_symlink(directory / ".other.murder-0123456789ab"));
  CHECK(std::filesystem::is_directory(tree));  // not a link: a release of that name may be coming
}

}  // namespace murder::host
