// Where an unpacked tree goes, and what happens to what is there.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/archive/staging.h"
#include "engine/archive/unpack.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

std::string new_release() {
  return raw_tar({{.path = "", .type = EntryType::directory, .mode = 0750},
                  {.path = "new", .content = "new content"}});
}

Result<Unpacked> place(UnpackOptions options, Notes& notes) {
  MemorySource source(new_release());
  options.archive_name = "new.tar";
  return unpack(source, options, notes);
}

Result<Unpacked> place(const UnpackOptions& options) {
  Notes notes;
  Result<Unpacked> result = place(options, notes);
  CHECK(notes.warnings.empty());
  return result;
}

}  // namespace

TEST_CASE("the directory is made with all it lies in, and the tree has the mode of the archive") {
  TemporaryDirectory temporary;
  const Result<Unpacked> placed = place({.directory = temporary / "x/y/z", .tag = "v1"});
  REQUIRE(placed);
  CHECK(placed->path == temporary / "x/y/z/v1");
  CHECK(placed->entry_count == 2);
  CHECK(placed->data_bytes == 11);
  CHECK(read_file(temporary / "x/y/z/v1/new") == "new content");
  struct stat status {};
  REQUIRE(::stat((temporary / "x/y/z/v1").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0750);
  CHECK(names_in(temporary / "x/y/z") == std::vector<std::string>{"v1"});
}

TEST_CASE("a tree that gets its name next is told, complete and still without the name") {
  struct Watcher : Notes {
    explicit Watcher(std::string path) : target(std::move(path)) {}
    void placing(int directory_fd) override {
      ++calls;
      was_there = exists(target + "/new");
      struct stat status {};
      is_complete = ::fstatat(directory_fd, "new", &status, 0) == 0 && status.st_size == 11;
      REQUIRE(::fstat(directory_fd, &status) == 0);
      inode = status.st_ino;
    }
    std::string target;
    int calls = 0;
    bool was_there = true;
    bool is_complete = false;
    ino_t inode = 0;
  };
  TemporaryDirectory temporary;
  for (const bool replace : {false, true}) {
    Watcher watcher(temporary / "v1");
    if (replace) {
      REQUIRE(::unlink((temporary / "v1/new").c_str()) == 0);
      write_file(temporary / "v1/old", "x");
    }
    REQUIRE(place({.directory = temporary.path(), .tag = "v1", .replace = replace}, watcher));
    CHECK(watcher.calls == 1);
    CHECK_FALSE(watcher.was_there);
    CHECK(watcher.is_complete);
    struct stat status {};
    REQUIRE(::stat((temporary / "v1").c_str(), &status) == 0);
    CHECK(status.st_ino == watcher.inode);
  }
  Watcher watcher(temporary / "v1");
  CHECK_FALSE(place({.directory = temporary.path(), .tag = "v1"}, watcher));
  CHECK(watcher.calls == 0);
}

TEST_CASE("an empty directory is taken, one that is not is an Error and stays") {
  TemporaryDirectory temporary;
  make_directory(temporary / "v1");
  CHECK(place({.directory = temporary.path(), .tag = "v1"}));
  CHECK(exists(temporary / "v1/new"));
  write_file(temporary / "v1/mine", "x");
  const Result<Unpacked> refused = place({.directory = temporary.path(), .tag = "v1"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::exists);
  CHECK(refused.error().text.find("--unsafe-please-delete") != std::string::npos);
  CHECK(exists(temporary / "v1/mine"));
  CHECK(names_in(temporary.path()) == std::vector<std::string>{"v1"});
}

TEST_CASE("replacing swaps the trees and removes the old one, however it is protected") {
  TemporaryDirectory temporary;
  make_directory(temporary / "v1");
  make_directory(temporary / "v1/old");
  write_file(temporary / "v1/old/file", "x", 0000);
  REQUIRE(::symlink("/etc", (temporary / "v1/link").c_str()) == 0);
  REQUIRE(::chmod((temporary / "v1/old").c_str(), 0000) == 0);
  CHECK(place({.directory = temporary.path(), .tag = "v1", .replace = true}));
  CHECK(names_in(temporary / "v1") == std::vector<std::string>{"new"});
  CHECK(names_in(temporary.path()) == std::vector<std::string>{"v1"});
  CHECK(exists("/etc/passwd"));
}

TEST_CASE("a file or a link in the place is replaced only when asked, and never followed") {
  TemporaryDirectory temporary;
  make_directory(temporary / "elsewhere");
  write_file(temporary / "elsewhere/kept", "x");
  REQUIRE(::symlink("elsewhere", (temporary / "v1").c_str()) == 0);
  write_file(temporary / "v2", "a file");
  for (const char* tag : {"v1", "v2"}) {
    CAPTURE(tag);
    CHECK_FALSE(place({.directory = temporary.path(), .tag = tag}));
    CHECK(place({.directory = temporary.path(), .tag = tag, .replace = true}));
    CHECK(names_in(temporary / tag) == std::vector<std::string>{"new"});
  }
  CHECK(names_in(temporary / "elsewhere") == std::vector<std::string>{"kept"});
  CHECK(names_in(temporary.path()) == std::vector<std::string>{"elsewhere", "v1", "v2"});
}

TEST_CASE("without a tag the tree becomes the directory itself, behind a link as well") {
  TemporaryDirectory temporary;
  CHECK(place({.directory = temporary / "dir/"}));
  CHECK(names_in(temporary / "dir") == std::vector<std::string>{"new"});
  CHECK_FALSE(place({.directory = temporary / "dir"}));
  REQUIRE(::symlink("dir", (temporary / "link").c_str()) == 0);
  write_file(temporary / "dir/old", "x");
  CHECK(place({.directory = temporary / "link", .replace = true}));
  CHECK(names_in(temporary / "dir") == std::vector<std::string>{"new"});
  CHECK(names_in(temporary.path()) == std::vector<std::string>{"dir", "link"});
}

TEST_CASE("into a mount point the entries are moved one by one, with a warning") {
  TemporaryDirectory temporary;
  make_directory(temporary / "mounted");
  CHECK(runs_on_small_disk(temporary / "mounted", 1 << 20, [&temporary] {
    Notes notes;
    if (!place({.directory = temporary / "mounted"}, notes) || notes.warnings.size() != 1) {
      return false;
    }
    write_file(temporary / "mounted/old", "x");
    if (place({.directory = temporary / "mounted"}, notes)) {
      return false;
    }
    return place({.directory = temporary / "mounted", .replace = true}, notes).has_value() &&
           names_in(temporary / "mounted") == std::vector<std::string>{"new"};
  }));
}

TEST_CASE("into a directory whose parent is not ours the entries are moved one by one") {
  TemporaryDirectory temporary;
  make_directory(temporary / "mine", 0777);
  CHECK(runs_unprivileged([&temporary] {
    Notes notes;
    // As the owner of the test we could write the parent: then there is nothing to see.
    return (place({.directory = temporary / "mine"}, notes).has_value() &&
            names_in(temporary / "mine") == std::vector<std::string>{"new"});
  }));
}

TEST_CASE("a full disk is an Error that says so, and leaves it as it was") {
  TemporaryDirectory temporary;
  make_directory(temporary / "disk");
  CHECK(runs_on_small_disk(temporary / "disk", 1 << 20, [&temporary] {
    MemorySource source(raw_tar({{.path = "large", .content = std::string(4 << 20, 'x')}}));
    Notes notes;
    const Result<Unpacked> unpacked =
        unpack(source, {.archive_name = "l", .directory = temporary / "disk", .tag = "v1"}, notes);
    return !unpacked && unpacked.error().code == ErrorCode::no_space &&
           unpacked.error().text.find("large") != std::string::npos &&
           names_in(temporary / "disk").empty();
  }));
}

TEST_CASE("a directory that cannot be written is an Error that names it") {
  TemporaryDirectory temporary;
  CHECK(runs_unprivileged([] {
    Notes notes;
    const Result<Unpacked> placed = place({.directory = "/proc/murder", .tag = "v1"}, notes);
    return !placed && placed.error().text.find("/proc/murder") != std::string::npos;
  }));
}

TEST_CASE("what killed runs left is removed; what others work on or named alike is not") {
  TemporaryDirectory temporary;
  const std::string dead = temporary / ".v1.murder-0123456789ab";
  make_directory(dead);
  write_file(dead + "/file", "x");
  make_directory(temporary / ".v1.murder-mine");
  make_directory(temporary / ".v11.murder-0123456789ab");
  Result<Staging> live = Staging::make(temporary.path(), "v1", Staging::Kind::directory);
  REQUIRE(live);
  CHECK(place({.directory = temporary.path(), .tag = "v1"}));
  CHECK_FALSE(exists(dead));
  CHECK(exists(live->path()));
  CHECK(exists(temporary / ".v1.murder-mine"));
  CHECK(exists(temporary / ".v11.murder-0123456789ab"));
}

TEST_CASE("what appears in the place at the last moment is replaced when asked, else stays") {
  struct Rival : Notes {
    explicit Rival(std::string path) : target(std::move(path)) {}
    void placing(int /*directory_fd*/) override {
      REQUIRE(::mkdir(target.c_str(), 0755) == 0);
      write_file(target + "/old", "of a rival");
    }
    std::string target;
  };
  for (const bool replace : {true, false}) {
    CAPTURE(replace);
    TemporaryDirectory temporary;
    Rival rival(temporary / "v1");
    const Result<Unpacked> placed =
        place({.directory = temporary.path(), .tag = "v1", .replace = replace}, rival);
    CHECK(placed.has_value() == replace);
    CHECK(exists(temporary / "v1/new") == replace);
    CHECK(exists(temporary / "v1/old") != replace);
    CHECK(names_in(temporary.path()) == std::vector<std::string>{"v1"});
    if (!replace) {
      CHECK(placed.error().code == ErrorCode::exists);
      CHECK(placed.error().text.find("--unsafe-please-delete") != std::string::npos);
    }
  }
}
