#include "engine/base/small_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "../../temporary_directory.h"

using namespace murder;

namespace {

struct Place {
  Place() : fd(::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY)) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { ::close(fd); }
  [[nodiscard]] SmallFile file(bool sync_to_disk = true) const {
    return {.directory_fd = fd,
            .directory = directory.path(),
            .name = "state",
            .sync_to_disk = sync_to_disk};
  }
  [[nodiscard]] size_t entries() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& each :
         std::filesystem::directory_iterator(directory.path())) {
      ++count;
    }
    return count;
  }
  TemporaryDirectory directory;
  int fd;
};

}  // namespace

TEST_CASE("a small file is written and read, and written over, synced or not") {
  const Place place;
  for (const bool sync_to_disk : {true, false}) {
    REQUIRE(write_small_file(place.file(sync_to_disk), "first"));
    CHECK(read_small_file(place.file(), 100) == "first");
    const std::string long_text(200'000, 'x');
    REQUIRE(write_small_file(place.file(sync_to_disk), long_text));
    CHECK(read_small_file(place.file(), 200'000) == long_text);
    CHECK(read_small_file(place.file(), 199'999).error().code == ErrorCode::limit);
    CHECK(place.entries() == 1);
  }
  struct stat status {};
  REQUIRE(::stat(place.file().path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600);
}

TEST_CASE("a link at the name of a small file is replaced, and not read through") {
  const Place place;
  const std::string victim = place.directory.path() + "/victim";
  std::ofstream(victim) << "mine";
  REQUIRE(::symlink("victim", place.file().path().c_str()) == 0);
  const Result<std::string> read = read_small_file(place.file(), 100);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == ErrorCode::conflict);
  REQUIRE(write_small_file(place.file(), "text"));
  std::stringstream text;
  text << std::ifstream(victim).rdbuf();
  CHECK(text.str() == "mine");
  CHECK(read_small_file(place.file(), 100) == "text");
}

TEST_CASE("a fifo at the name of a small file holds nobody up") {
  const Place place;
  REQUIRE(::mkfifo(place.file().path().c_str(), 0600) == 0);
  CHECK(read_small_file(place.file(), 100).error().code == ErrorCode::conflict);
  CHECK(read_small_file({.directory_fd = place.fd, .directory = "x", .name = "none"}, 100)
            .error()
            .code == ErrorCode::not_found);
}

TEST_CASE("an error after a short write is told as what it is, and the old content stays") {
  const Place place;
  REQUIRE(write_small_file(place.file(), "old"));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;  // the first write is short, the second fails with EFBIG
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  errno = ENOENT;
  const Status written = write_small_file(place.file(), std::string(5000, 'x'));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, old_handler);
  REQUIRE_FALSE(written);
  CHECK(written.error().text.find("File too large") != std::string::npos);
  CHECK(read_small_file(place.file(), 100) == "old");
  CHECK(place.entries() == 1);
}
