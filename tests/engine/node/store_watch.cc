#include "engine/node/store_watch.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>

#include "../../temporary_directory.h"

using murder::ErrorCode;
using murder::Instant;
using murder::codec::Metainfo;
using murder::node::StoreWatch;
using namespace std::chrono_literals;

namespace {

struct Files {
  explicit Files(uint32_t count) {
    metainfo.is_single_file = false;
    for (uint32_t index = 0; index < count; ++index) {
      metainfo.files.push_back({.path = "f" + std::to_string(index), .size_bytes = 4});
      write(index, "abcd");
    }
  }
  [[nodiscard]] std::string path(uint32_t index) const {
    return directory / metainfo.files[index].path;
  }
  void write(uint32_t index, std::string_view content) const {
    std::ofstream(path(index), std::ios::trunc) << content;
  }
  // Long ago, so that what is written now differs whatever the grain of the file system's clock.
  void make_old(uint32_t index) const {
    const std::array<timespec, 2> times = {timespec{1000, 0}, timespec{1000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path(index).c_str(), times.data(), 0) == 0);
  }

  murder::TemporaryDirectory directory;
  Metainfo metainfo;
};

}  // namespace

TEST_CASE("a file that is changed is noticed, however many there are") {
  const Files files(200);
  for (uint32_t index = 0; index < 200; ++index) {
    files.make_old(index);
  }
  StoreWatch watch(files.metainfo, files.directory.path(), -1);
  watch.begin();
  Instant now{100s};
  for (int round = 0; round < 10; ++round) {
    CHECK(watch.check(now += 1s));
  }
  files.write(150, "abce");
  bool noticed = false;
  for (int round = 0; round < 4; ++round) {
    const murder::Status status = watch.check(now += 1s);
    if (!status) {
      noticed = true;
      CHECK(status.error().code == ErrorCode::conflict);
      CHECK(status.error().text.find(files.path(150)) != std::string::npos);
    }
  }
  CHECK(noticed);
}

TEST_CASE("of a single file, the one that is open counts, not what bears its name") {
  Files files(1);
  files.metainfo.is_single_file = true;
  files.make_old(0);
  const int fd = ::open(files.path(0).c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(fd >= 0);
  StoreWatch watch(files.metainfo, files.path(0), fd);
  watch.begin();
  Instant now{100s};
  ::unlink(files.path(0).c_str());
  CHECK(watch.check(now += 1s));
  files.write(0, "other");
  CHECK(watch.check(now += 1s));
  REQUIRE(::pwrite(fd, "x", 1, 0) == 1);
  CHECK_FALSE(watch.check(now += 1s));
  ::close(fd);
}
