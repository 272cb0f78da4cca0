#include "engine/host/kept_archives.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"
#include "engine/base/fd.h"

namespace murder::host {
namespace {

void write_archive(const std::string& path) {
  std::ofstream(path) << "a part";
}

time_t written_at(const std::string& path) {
  struct stat status {};
  REQUIRE(lstat(path.c_str(), &status) == 0);
  return status.st_mtime;
}

}  // namespace

TEST_CASE("an archive that was kept goes when nobody continued it for days") {
  const TemporaryDirectory scratch;
  const Result<RunDirectory> directory = RunDirectory::open(scratch / "run");
  REQUIRE(directory);
  const std::string kept = scratch / "v1.tar.zst";
  const std::string replaced = scratch / "v2.tar.zst";
  const std::string other = scratch / "v3.tar.zst";
  for (const std::string& path : {kept, replaced, other}) {
    write_archive(path);
  }
  note_kept_archive(*directory, kept);
  note_kept_archive(*directory, replaced);
  note_kept_archive(*directory, scratch / "none");
  std::filesystem::rename(other, replaced);  // somebody's own by now
  const time_t now = written_at(kept);
  remove_old_archives(*directory, now + kept_archive_age_max_s);
  CHECK(std::filesystem::exists(kept));
  remove_old_archives(*directory, now + kept_archive_age_max_s + 1);
  CHECK_FALSE(std::filesystem::exists(kept));
  CHECK(std::filesystem::exists(replaced));
  CHECK(std::filesystem::is_empty(scratch / "run"));
}

TEST_CASE("an archive that is open, or is to stay, does not go") {
  const TemporaryDirectory scratch;
  const Result<RunDirectory> directory = RunDirectory::open(scratch / "run");
  REQUIRE(directory);
  const std::string open = scratch / "v1.tar.zst";
  const std::string whole = scratch / "v2.tar.zst";
  for (const std::string& path : {open, whole}) {
    write_archive(path);
    note_kept_archive(*directory, path);
  }
  forget_kept_archives(*directory, scratch.path(), "v2");
  const time_t late = written_at(open) + kept_archive_age_max_s + 1;
  {
    const Fd seeder(::open(open.c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(flock(seeder.get(), LOCK_SH) == 0);
    remove_old_archives(*directory, late);
    CHECK(std::filesystem::exists(open));
  }
  remove_old_archives(*directory, late);
  CHECK_FALSE(std::filesystem::exists(open));
  CHECK(std::filesystem::exists(whole));
}

TEST_CASE("a list that is damaged is none") {
  const TemporaryDirectory scratch;
  const Result<RunDirectory> directory = RunDirectory::open(scratch / "run");
  REQUIRE(directory);
  std::ofstream(scratch / "run/kept-archives.json") << "{\"archives\":7";
  remove_old_archives(*directory, 0);
  const std::string kept = scratch / "v1.tar.zst";
  write_archive(kept);
  note_kept_archive(*directory, kept);
  remove_old_archives(*directory, written_at(kept) + kept_archive_age_max_s + 1);
  CHECK_FALSE(std::filesystem::exists(kept));
}

}  // namespace murder::host
