#include "engine/node/store.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"

using namespace murder;
using node::Store;
using node::StoreLock;

namespace {

codec::Metainfo one_file(uint64_t size) {
  codec::Metainfo metainfo;
  metainfo.name = "one";
  metainfo.geometry = {.total_bytes = size, .piece_bytes = 16384};
  metainfo.files = {{.path = "one", .offset = 0, .size_bytes = size}};
  return metainfo;
}

codec::Metainfo several_files() {
  codec::Metainfo metainfo;
  metainfo.name = "several";
  metainfo.is_single_file = false;
  metainfo.geometry = {.total_bytes = 100, .piece_bytes = 64};
  metainfo.files = {
      {.path = "empty", .offset = 0, .size_bytes = 0},
      {.path = "a/first", .offset = 0, .size_bytes = 30},
      {.path = "empty2", .offset = 30, .size_bytes = 0},
      {.path = "pad", .offset = 30, .size_bytes = 10, .is_padding = true},
      {.path = "b", .offset = 40, .size_bytes = 60},
  };
  return metainfo;
}

}  // namespace

TEST_CASE("a release is written by one and read by many once it is shared") {
  const TemporaryDirectory directory;
  const codec::Metainfo metainfo = one_file(100000);
  const std::string path = directory / "one";
  auto writer = StoreLock::acquire(metainfo, path, true);
  REQUIRE(writer);
  CHECK(writer->mode() == StoreLock::Mode::exclusive);
  const auto second = StoreLock::acquire(metainfo, path, true);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::conflict);
  CHECK_FALSE(StoreLock::acquire(metainfo, path, false));
  writer->share();
  const auto reader = StoreLock::acquire(metainfo, path, false);
  REQUIRE(reader);
  const auto late = StoreLock::acquire(metainfo, path, true);
  REQUIRE(late);
  CHECK(late->mode() == StoreLock::Mode::shared);
}

TEST_CASE("what is as large as the release keeps nobody from serving it until it lacks something") {
  const TemporaryDirectory directory;
  const codec::Metainfo metainfo = one_file(100000);
  const std::string path = directory / "one";
  std::ofstream(path) << std::string(100000, 'x');
  auto peer = StoreLock::acquire(metainfo, path, true);
  REQUIRE(peer);
  CHECK(peer->mode() == StoreLock::Mode::shared);
  {
    const auto seeder = StoreLock::acquire(metainfo, path, false);
    REQUIRE(seeder);
    peer->claim();
    CHECK(peer->mode() == StoreLock::Mode::none);
  }
  peer = StoreLock::acquire(metainfo, path, true);
  REQUIRE(peer);
  peer->claim();
  CHECK(peer->mode() == StoreLock::Mode::exclusive);
  CHECK_FALSE(StoreLock::acquire(metainfo, path, false));
}

TEST_CASE("of several that go on with a file at once, one may write it") {
  const TemporaryDirectory directory;
  const codec::Metainfo metainfo = one_file(100000);
  const std::string path = directory / "one";
  std::ofstream(path) << std::string(100000, 'x');
  std::array locks = {StoreLock::acquire(metainfo, path, true),
                      StoreLock::acquire(metainfo, path, true),
                      StoreLock::acquire(metainfo, path, true)};
  uint32_t writers = 0;
  for (Result<StoreLock>& lock : locks) {
    REQUIRE(lock);
    lock->claim();
    writers += lock->mode() == StoreLock::Mode::exclusive ? 1 : 0;
  }
  CHECK(writers == 1);
}

TEST_CASE("a file that lacks something and may not be written says why it may not") {
  if (geteuid() == 0) {
    return;  // root may write it
  }
  const TemporaryDirectory directory;
  const codec::Metainfo metainfo = one_file(100000);
  const std::string path = directory / "one";
  std::ofstream(path) << std::string(100000, 'x');
  REQUIRE(chmod(path.c_str(), 0400) == 0);
  auto lock = StoreLock::acquire(metainfo, path, true);
  REQUIRE(lock);
  lock->claim();
  const Status content = lock->check_content(metainfo, path, BitSet(metainfo.piece_count()));
  REQUIRE_FALSE(content);
  CHECK(content.error().code == ErrorCode::permission);
}

TEST_CASE("a lock is of the file that was there, and nothing else is opened with it") {
  const TemporaryDirectory directory;
  const codec::Metainfo metainfo = one_file(1000);
  const std::string path = directory / "one";
  const auto lock = StoreLock::acquire(metainfo, path, true);
  REQUIRE(lock);
  CHECK(lock->is_at(path));
  CHECK(Store::open(metainfo, path, Store::Access::write, &*lock));
  std::ofstream(directory / "other") << "other";
  std::filesystem::rename(directory / "other", path);
  CHECK_FALSE(lock->is_at(path));
  const auto opened = Store::open(metainfo, path, Store::Access::write, &*lock);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::conflict);
  std::filesystem::remove(path);
  CHECK_FALSE(lock->is_at(path));
}

TEST_CASE("space is taken before the first byte, and a file that is too long is cut") {
  const TemporaryDirectory directory;
  const codec::Metainfo metainfo = one_file(1000000);
  const std::string path = directory / "one";
  std::ofstream(path) << std::string(2000000, 'x');
  auto store = Store::open(metainfo, path, Store::Access::write);
  REQUIRE(store);
  REQUIRE(store->preallocate({}));
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK(info.st_size == 1000000);
  CHECK(info.st_blocks * 512 >= 1000000);
}

TEST_CASE("a release that does not fit is refused before anything is fetched") {
  const TemporaryDirectory directory;
  const codec::Metainfo metainfo = one_file(uint64_t{1} << 60U);
  auto store = Store::open(metainfo, directory / "one", Store::Access::write);
  REQUIRE(store);
  const Status status = store->preallocate({});
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::no_space);
}

TEST_CASE("nothing of the disk is taken for what does not fit, in one file or in several") {
  const TemporaryDirectory directory;
  struct statvfs disk {};
  REQUIRE(statvfs((directory / "").c_str(), &disk) == 0);
  const uint64_t free_bytes = uint64_t{disk.f_bfree} * disk.f_frsize;
  const uint64_t more_than_half = free_bytes / 2 + free_bytes / 4;
  codec::Metainfo one = one_file(free_bytes + more_than_half);
  codec::Metainfo two = several_files();
  two.geometry.total_bytes = 2 * more_than_half;
  two.files = {{.path = "a", .offset = 0, .size_bytes = more_than_half},
               {.path = "b", .offset = more_than_half, .size_bytes = more_than_half}};
  for (const codec::Metainfo* metainfo : {&one, &two}) {
    const std::string path = directory / metainfo->name;
    auto store = Store::open(*metainfo, path, Store::Access::write);
    REQUIRE(store);
    const Status status = store->preallocate({});
    REQUIRE_FALSE(status);
    CHECK(status.error().code == ErrorCode::no_space);
    CHECK(status.error().text.find(" 0 B are free") == std::string::npos);
    struct stat info {};
    REQUIRE(stat((metainfo->is_single_file ? path : path + "/a").c_str(), &info) ==
            (metainfo->is_single_file ? 0 : -1));
    CHECK(info.st_blocks == 0);
  }
}

TEST_CASE("segments follow the files, over empty ones and padding") {
  const TemporaryDirectory directory;
  const codec::Metainfo metainfo = several_files();
  auto store = Store::open(metainfo, directory / "several", Store::Access::write);
  REQUIRE(store);
  auto segment = store->segment_at(0, 100);
  CHECK(segment.file_index == 1);
  CHECK(segment.size_bytes == 30);
  segment = store->segment_at(30, 70);
  CHECK(segment.is_padding);
  CHECK(segment.size_bytes == 10);
  segment = store->segment_at(45, 10);
  CHECK(segment.file_index == 4);
  CHECK(segment.offset == 5);
  CHECK(segment.size_bytes == 10);
  segment = store->segment_at(99, 100);
  CHECK(segment.offset == 59);
  CHECK(segment.size_bytes == 1);
}

TEST_CASE("a symbolic link is not written through") {
  const TemporaryDirectory directory;
  const std::string path = directory / "one";
  std::filesystem::create_symlink(directory / "elsewhere", path);
  const codec::Metainfo metainfo = one_file(1000);
  CHECK_FALSE(StoreLock::acquire(metainfo, path, true));
  CHECK_FALSE(std::filesystem::exists(directory / "elsewhere"));
}

TEST_CASE("a directory is ours if it was empty or made here, and else is not written into") {
  const TemporaryDirectory directory;
  const codec::Metainfo metainfo = several_files();
  const std::string path = directory / "several";
  const BitSet nothing(metainfo.piece_count());
  BitSet all(metainfo.piece_count());
  all.set_all();
  BitSet some = nothing;
  some.set(0);
  std::filesystem::create_directories(path + "/a");
  std::ofstream(path + "/a/first") << "precious";
  {
    const auto lock = StoreLock::acquire(metainfo, path, true);
    REQUIRE(lock);
    CHECK_FALSE(lock->is_ours());
    CHECK(lock->check_content(metainfo, path, all));
    CHECK_FALSE(lock->check_content(metainfo, path, some));
    CHECK_FALSE(lock->check_content(metainfo, path, nothing));
  }
  // All pieces may be there although a file has more, which is not cut.
  auto store = Store::open(metainfo, path, Store::Access::write);
  REQUIRE(store);
  CHECK_FALSE(store->preallocate({.is_complete = true, .is_ours = false}));
  CHECK(std::filesystem::file_size(path + "/a/first") == 8);

  std::filesystem::remove_all(path + "/a");
  std::filesystem::remove(path + "/empty");
  {
    const auto lock = StoreLock::acquire(metainfo, path, true);
    REQUIRE(lock);
    CHECK(lock->is_ours());
    CHECK(lock->check_content(metainfo, path, nothing));
  }
  store = Store::open(metainfo, path, Store::Access::write);
  REQUIRE(store);
  CHECK(store->preallocate({}));
  CHECK(std::filesystem::file_size(path + "/a/first") == 30);
  char mark = 0;
  if (::getxattr(path.c_str(), "user.murder", &mark, 1) == 1) {
    CHECK(StoreLock::acquire(metainfo, path, true)->is_ours());
  }
}

TEST_CASE("no symbolic link leads out of the directory that is written") {
  const TemporaryDirectory directory;
  const codec::Metainfo metainfo = several_files();
  const std::string path = directory / "several";
  std::filesystem::create_directories(path);
  std::filesystem::create_directories(directory / "out");
  const auto refuses = [&] {
    auto store = Store::open(metainfo, path, Store::Access::write);
    return !store || !store->preallocate({});
  };
  std::filesystem::create_symlink(directory / "out", path + "/a");
  CHECK(refuses());
  std::filesystem::remove(path + "/a");
  std::filesystem::create_symlink(directory / "out/b", path + "/b");
  CHECK(refuses());
  std::filesystem::remove_all(path);
  std::filesystem::create_symlink(directory / "out", path);
  CHECK(refuses());
  CHECK(std::filesystem::is_empty(directory / "out"));
}
