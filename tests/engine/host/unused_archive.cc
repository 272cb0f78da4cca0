#include "engine/host/unused_archive.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"

namespace murder::host {

TEST_CASE("a fetch begins with nothing where no file is, or an empty one") {
  const TemporaryDirectory directory;
  const std::string base = directory.path();
  std::ofstream(base + "/empty");
  std::ofstream(base + "/some") << "x";
  std::filesystem::create_symlink("nowhere", base + "/link");
  CHECK(begins_empty(base + "/not/there"));
  CHECK(begins_empty(base + "/empty"));
  CHECK_FALSE(begins_empty(base + "/some"));
  CHECK_FALSE(begins_empty(base + "/link"));
  CHECK_FALSE(begins_empty(base));
}

TEST_CASE("an unused archive is removed, but no link, directory or file of two names") {
  const TemporaryDirectory directory;
  const std::string base = directory.path();
  std::ofstream(base + "/archive") << "zeros";
  std::ofstream(base + "/one") << "x";
  std::filesystem::create_hard_link(base + "/one", base + "/other");
  std::filesystem::create_symlink("one", base + "/link");
  for (const char* name : {"/archive", "/one", "/link", "/not there", ""}) {
    remove_unused_archive(base + name);
  }
  CHECK_FALSE(std::filesystem::exists(base + "/archive"));
  CHECK(std::filesystem::exists(base + "/other"));
  CHECK(std::filesystem::is_symlink(base + "/link"));
  CHECK(std::filesystem::hard_link_count(base + "/one") == 2);
}

}  // namespace murder::host
