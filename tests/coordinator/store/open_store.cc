#include "coordinator/store/open_store.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "places.h"

using namespace murder;
using namespace murder::store;

namespace {

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

bool leads(const std::string& spec) {
  const auto store = open_store(spec);
  REQUIRE(store);
  return (*store)->try_lead("a:1") == true;
}

}  // namespace

TEST_CASE("a directory is made, private, and so is the file in it") {
  const TemporaryDirectory directory;
  const std::string state = directory / "a/b/state";
  CHECK(leads(state + "//"));
  CHECK(mode_of(state) == 0700);
  CHECK(mode_of(state + "/state.db") == 0600);
  CHECK(mode_of(state + "/state.db.lock") == 0600);
}

TEST_CASE("an empty directory of ours becomes private, one with other things in it is let be") {
  const TemporaryDirectory directory;
  const std::string empty = directory / "empty";
  REQUIRE(::mkdir(empty.c_str(), 0755) == 0);
  CHECK(leads(empty));
  CHECK(mode_of(empty) == 0700);
  const std::string full = directory / "full";
  REQUIRE(::mkdir(full.c_str(), 0755) == 0);
  REQUIRE(::mkdir((full + "/other").c_str(), 0755) == 0);
  CHECK(leads(full));
  CHECK(mode_of(full) == 0755);
  CHECK(mode_of(full + "/state.db") == 0600);
}

TEST_CASE("a directory that others may write is refused") {
  const TemporaryDirectory directory;
  const std::string open = directory / "open";
  REQUIRE(::mkdir(open.c_str(), 0700) == 0);
  REQUIRE(::chmod(open.c_str(), 01777) == 0);
  CHECK(open_store(open).error().code == ErrorCode::conflict);
  CHECK(open_store("sqlite:" + open + "/file").error().code == ErrorCode::conflict);
  CHECK(std::filesystem::is_empty(open));
}

TEST_CASE("a file may be named") {
  const TemporaryDirectory directory;
  CHECK(leads("sqlite:" + (directory / "my.db")));
  CHECK(mode_of(directory / "my.db") == 0600);
  CHECK(open_store("sqlite:").error().code == ErrorCode::invalid_input);
  CHECK(open_store("sqlite:" + directory.path() + "/").error().code == ErrorCode::invalid_input);
  CHECK(open_store("sqlite:" + (directory / "none/my.db")).error().code == ErrorCode::not_found);
}

TEST_CASE("memory is asked for by name or by nothing") {
  CHECK(leads("memory:"));
  CHECK(leads(""));
}

TEST_CASE("what names no store is refused, and is no directory by accident") {
  const TemporaryDirectory directory;
  for (const char* spec : {"postgres:db", "memory:x", "redis://h:1", "etcd3:x",
                           "etcd:", "etcd:https://h:1", "etcd:http://", "etcd:h:1,",
                           "etcd:h:1,,g:2", "etcd:h:0x", "etcd:h:1/a/b", "etcd:h:1/a b"}) {
    INFO(spec);
    CHECK(open_store(spec).error().code == ErrorCode::invalid_input);
  }
  CHECK(open_store(std::string("a\0b", 3)).error().code == ErrorCode::invalid_input);
  CHECK(leads(directory / "with:colon"));
}

TEST_CASE("servers of etcd are named as URLs or HOST:PORT, with the name of a state or without") {
  for (const auto& [spec, name] : std::vector<std::pair<std::string, std::string>>{
           {"etcd:http://h1:2379,http://h2:2380",
            "murder/ in etcd (http://h1:2379, http://h2:2380)"},
           {"etcd:h1,[::1]:7/", "murder/ in etcd (http://h1:2379, http://[::1]:7)"},
           {"etcd:http://h1:1,h2:2/prod-1", "murder/prod-1/ in etcd (http://h1:1, http://h2:2)"}}) {
    const auto store = open_store(spec);
    REQUIRE(store);
    CHECK((*store)->name() == name);
  }
}

TEST_CASE("a directory that cannot be made is named") {
  const TemporaryDirectory directory;
  REQUIRE(::symlink("nowhere", (directory / "link").c_str()) == 0);
  const auto store = open_store((directory / "link") + "/state");
  REQUIRE_FALSE(store);
  CHECK(store.error().text.find("link") != std::string::npos);
}
