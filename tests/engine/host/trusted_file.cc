#include "engine/host/trusted_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "../../temporary_directory.h"
#include "engine/base/small_file.h"

using namespace murder;
using host::read_trusted_file;

namespace {

constexpr size_t trusted_bytes_max = 100;
constexpr uid_t somebody = 12345;

// safe/file, and a directory of everybody.
struct Places : TemporaryDirectory {
  Places() {
    std::filesystem::create_directory(safe());
    std::filesystem::create_directory(open());
    REQUIRE(write_small_file(file(), "trusted"));
    REQUIRE(::chmod(open().c_str(), 0777) == 0);
  }
  [[nodiscard]] std::string safe() const { return *this / "safe"; }
  [[nodiscard]] std::string file() const { return safe() + "/file"; }
  [[nodiscard]] std::string open() const { return *this / "open"; }
};

// What is wrong; nothing: it is read.
std::optional<ErrorCode> trouble_with(const std::string& path) {
  const auto text = read_trusted_file(path, trusted_bytes_max);
  CHECK((!text || *text == "trusted"));
  return text ? std::nullopt : std::optional(text.error().code);
}

}  // namespace

TEST_CASE("a file is trusted where nobody else may write it, or put another one in its place") {
  const Places places;
  CHECK_FALSE(trouble_with(places.file()));
  CHECK_FALSE(trouble_with(places.safe() + "/./../safe//file"));
  CHECK_FALSE(*read_trusted_file(places.safe() + "/none", trusted_bytes_max));
  REQUIRE(write_small_file(places.open() + "/file", "trusted"));
  CHECK(trouble_with(places.open() + "/file") == ErrorCode::conflict);
  REQUIRE(::chmod(places.file().c_str(), 0666) == 0);
  CHECK(trouble_with(places.file()) == ErrorCode::conflict);
  CHECK(trouble_with(places.safe()) == ErrorCode::conflict);
  REQUIRE(::mkfifo((places.safe() + "/fifo").c_str(), 0600) == 0);
  CHECK(trouble_with(places.safe() + "/fifo") == ErrorCode::conflict);
}

TEST_CASE("a link is followed where nobody else may put another one in its place") {
  const Places places;
  const std::string link = places.safe() + "/link";
  const auto links_to = [](const std::string& at, const std::string& target) {
    std::filesystem::remove(at);
    std::filesystem::create_symlink(target, at);
  };
  links_to(link, "file");
  CHECK_FALSE(trouble_with(link));
  links_to(link, places.file());
  CHECK_FALSE(trouble_with(link));
  // Whoever may write the directory of a link may choose what is trusted, be it a file of root's.
  links_to(places.open() + "/link", places.file());
  CHECK(trouble_with(places.open() + "/link") == ErrorCode::conflict);
  links_to(link, places.open() + "/link");  // and of one that the link leads to
  CHECK(trouble_with(link) == ErrorCode::conflict);
  links_to(places.open() + "/way", places.safe());  // and of a directory on the way
  CHECK(trouble_with(places.open() + "/way/file") == ErrorCode::conflict);
  links_to(link, "../open/way/file");
  CHECK(trouble_with(link) == ErrorCode::conflict);
  links_to(link, "link");
  CHECK(trouble_with(link));
  links_to(link, "nothing");
  CHECK(trouble_with(link) == ErrorCode::conflict);
  // Somebody meant to have a file there, and its directory is not there yet.
  CHECK(trouble_with(link + "/file") == ErrorCode::conflict);
}

TEST_CASE("whose a link is says nothing where its owner may not write") {
  const Places places;
  if (::geteuid() != 0) {
    return;
  }
  const std::string link = places.safe() + "/link";
  std::filesystem::create_symlink(places.file(), link);
  REQUIRE(::lchown(link.c_str(), somebody, somebody) == 0);
  CHECK_FALSE(trouble_with(link));
}

TEST_CASE("in a directory of everybody with the sticky bit, which is root's, own files stay") {
  const Places places;
  if (::geteuid() != 0) {
    return;
  }
  const std::string file = places.open() + "/file";
  const std::string link = places.open() + "/link";
  REQUIRE(write_small_file(file, "trusted"));
  std::filesystem::create_symlink(places.file(), link);
  REQUIRE(::chmod(places.open().c_str(), 01777) == 0);
  CHECK_FALSE(trouble_with(file));
  CHECK_FALSE(trouble_with(link));
  REQUIRE(::lchown(link.c_str(), somebody, somebody) == 0);
  CHECK(trouble_with(link) == ErrorCode::conflict);
  REQUIRE(::chown(file.c_str(), somebody, somebody) == 0);
  CHECK(trouble_with(file) == ErrorCode::conflict);
  // The owner of the directory may take away what is in it.
  REQUIRE(::chown(file.c_str(), 0, 0) == 0);
  REQUIRE(::chown(places.open().c_str(), somebody, somebody) == 0);
  CHECK(trouble_with(file) == ErrorCode::conflict);
}
