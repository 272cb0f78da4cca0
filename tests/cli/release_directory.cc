#include "cli/release_directory.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "../temporary_directory.h"

namespace murder::cli {

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

}  // namespace murder::cli
