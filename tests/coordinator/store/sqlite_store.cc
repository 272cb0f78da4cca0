#include "coordinator/store/sqlite_store.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "child.h"
#include "places.h"

using namespace murder;
using namespace murder::store;

namespace {

bool says(const Error& error, const std::string& text) {
  return error.text.find(text) != std::string::npos;
}

void write_at(const std::string& file, off_t offset, const std::string& bytes) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  REQUIRE(::pwrite(fd, bytes.data(), bytes.size(), offset) == static_cast<ssize_t>(bytes.size()));
  ::close(fd);
}

// With records that fill some pages.
std::string made_state(const TemporaryDirectory& directory) {
  std::string file = directory / "state.db";
  SqliteStore store(file, Access::lead);
  REQUIRE(store.try_lead("a:1") == true);
  REQUIRE(store.load());
  REQUIRE(store.append(numbered(1, 500, 100)));
  return file;
}

}  // namespace

TEST_CASE("a second coordinator is told who has the state") {
  const TemporaryDirectory directory;
  const std::string file = directory / "state.db";
  SqliteStore first(file, Access::lead);
  REQUIRE(first.try_lead("a:1") == true);
  SqliteStore second(file, Access::lead);
  const Result<bool> leads = second.try_lead("b:1");
  REQUIRE_FALSE(leads);
  CHECK(leads.error().code == ErrorCode::conflict);
  CHECK(says(leads.error(), std::to_string(::getpid())));
  CHECK(second.leader_address() == "a:1");
  // Whoever took the lock away by force took the lead away.
  std::filesystem::remove(file + ".lock");
  CHECK(first.keep_lead() == false);
  CHECK_FALSE(first.append(numbered(1, 1)));
}

TEST_CASE("a lock ends with its process") {
  const TemporaryDirectory directory;
  const std::string file = directory / "state.db";
  const pid_t child = start_child([&] {
    SqliteStore store(file, Access::lead);
    if (store.try_lead("a:1") == true) {
      ::raise(SIGKILL);
    }
    return 1;
  });
  REQUIRE(status_of(child) == 128 + SIGKILL);
  SqliteStore store(file, Access::lead);
  CHECK(store.leader_address().empty());
  CHECK(store.try_lead("b:1") == true);
}

TEST_CASE("who only looks sees what is there, beside the one that leads, and changes nothing") {
  const TemporaryDirectory directory;
  const std::string file = directory / "state.db";
  SqliteStore look(file, Access::look);
  CHECK(look.load().error().code == ErrorCode::not_found);
  CHECK_FALSE(std::filesystem::exists(file));
  SqliteStore store(file, Access::lead);
  REQUIRE(store.try_lead("a:1") == true);
  REQUIRE(store.load());
  REQUIRE(store.append(numbered(1, 3)));
  REQUIRE(store.put_torrent(hash_of(3), some_bytes(9, 9)));
  CHECK(look.load() == numbered(1, 3));
  REQUIRE(store.append(numbered(4, 4)));
  CHECK(look.load() == numbered(1, 4));
  CHECK(look.read_audit(2, 1).value().at(0).line == numbered(2, 2)[0]);
  CHECK(look.get_torrent(hash_of(3)) == some_bytes(9, 9));
  CHECK(look.try_lead("b:1").error().code == ErrorCode::unsupported);
  CHECK_FALSE(look.append(numbered(5, 5)));
  CHECK(look.leader_address() == "a:1");
}

TEST_CASE("a state of a newer version is refused as it is") {
  const TemporaryDirectory directory;
  const std::string file = made_state(directory);
  write_at(file, 60, std::string("\0\0\0\x02", 4));  // user_version in SQLite's header
  SqliteStore store(file, Access::lead);
  const Result<bool> leads = store.try_lead("a:1");
  REQUIRE_FALSE(leads);
  CHECK(leads.error().code == ErrorCode::unsupported);
  CHECK(says(leads.error(), "newer"));
  CHECK(says(leads.error(), file));
  CHECK(SqliteStore(file, Access::look).load().error().code == ErrorCode::unsupported);
}

TEST_CASE("another file is not taken for a state") {
  const TemporaryDirectory directory;
  const std::string text = directory / "text";
  write_at(text, 0, std::string(5000, 'x'));
  CHECK(SqliteStore(text, Access::lead).try_lead("a:1").error().code == ErrorCode::invalid_input);
  const std::string other = made_state(directory);
  write_at(other, 68, "abcd");  // application_id
  const Result<bool> leads = SqliteStore(other, Access::lead).try_lead("a:1");
  REQUIRE_FALSE(leads);
  CHECK(leads.error().code == ErrorCode::invalid_input);
  CHECK(says(leads.error(), "not a coordinator's state"));
}

TEST_CASE("a damaged file is said to be one, and is never read in part") {
  for (const off_t page : {1, 3, 8}) {
    const TemporaryDirectory directory;
    const std::string file = made_state(directory);
    write_at(file, page * 4096, std::string(4096, '\xa5'));
    SqliteStore store(file, Access::lead);
    const Result<bool> leads = store.try_lead("a:1");
    const auto loaded = store.load();
    INFO("page ", page);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == ErrorCode::invalid_input);
    CHECK(says(loaded.error(), "backup"));
    CHECK(says(loaded.error(), file));
  }
}

TEST_CASE("a record that is missing is said to be") {
  const TemporaryDirectory directory;
  const std::string file = made_state(directory);
  {
    Result<SqliteDatabase> database = SqliteDatabase::open(file, DatabaseAccess::write);
    REQUIRE(database);
    REQUIRE(database->run("DELETE FROM record WHERE number = 7"));
  }
  const auto loaded = SqliteStore(file, Access::look).load();
  REQUIRE_FALSE(loaded);
  CHECK(says(loaded.error(), "record 7 is missing"));
}

TEST_CASE("a full disk is said to be, what is there stays, and it goes on when there is room") {
  const TemporaryDirectory directory;
  const std::string& place = directory.path();
  const int status = run_on_small_disk(place.c_str(), "size=2m", [&] {
    write_at(place + "/ballast", 0, std::string(1'000'000, 'x'));
    SqliteStore store(place + "/state.db", Access::lead);
    if (store.try_lead("a:1") != true || !store.load()) {
      return 1;
    }
    uint64_t number = 0;
    Status done;
    for (; done && number < 100'000; number += done ? 10 : 0) {
      done = store.append(numbered(number + 1, number + 10, 1000));
    }
    if (done || done.error().code != ErrorCode::no_space || !says(done.error(), "full")) {
      return 2;
    }
    if (store.load() != numbered(1, number, 1000)) {
      return 3;
    }
    // Nothing else is said while there is still no room; a snapshot that fails changes nothing.
    for (int times = 0; times < 3; ++times) {
      done = store.append(numbered(number + 1, number + 10, 1000));
      const Status snapshot = store.write_snapshot(numbered(1, 500, 1000));
      if (done || done.error().code != ErrorCode::no_space || snapshot ||
          snapshot.error().code != ErrorCode::no_space || store.wants_snapshot()) {
        return 4;
      }
    }
    std::filesystem::remove(place + "/ballast");
    if (store.load() != numbered(1, number, 1000) ||
        !store.append(numbered(number + 1, number + 10, 1000)) ||
        store.load() != numbered(1, number + 10, 1000)) {
      return 5;
    }
    return 0;
  });
  if (status == cannot_mount) {
    MESSAGE("skipped: needs the right to mount (root)");
    return;
  }
  CHECK(status == 0);
}

TEST_CASE("a disk that is full from the start makes no half a state") {
  const TemporaryDirectory directory;
  const std::string& place = directory.path();
  const int status = run_on_small_disk(place.c_str(), "size=64k", [&] {
    write_at(place + "/ballast", 0, std::string(50'000, 'x'));
    {
      SqliteStore store(place + "/state.db", Access::lead);
      const Result<bool> leads = store.try_lead("a:1");
      if (leads || leads.error().code != ErrorCode::no_space) {
        return 1;
      }
    }
    std::filesystem::remove(place + "/ballast");
    if (::mount("none", place.c_str(), nullptr, MS_REMOUNT, "size=1m") != 0) {
      return 2;
    }
    SqliteStore store(place + "/state.db", Access::lead);
    return store.try_lead("a:1") == true && store.load() == Lines{} ? 0 : 3;
  });
  if (status == cannot_mount) {
    MESSAGE("skipped: needs the right to mount (root)");
    return;
  }
  CHECK(status == 0);
}

TEST_CASE("a file system that is read-only is said to be") {
  const TemporaryDirectory directory;
  const std::string& place = directory.path();
  const int status = run_on_small_disk(place.c_str(), "size=4m", [&] {
    const auto remount = [&](unsigned long flags) {
      return ::mount("none", place.c_str(), nullptr, MS_REMOUNT | flags, "size=4m") == 0;
    };
    {
      SqliteStore store(place + "/state.db", Access::lead);
      if (store.try_lead("a:1") != true || !store.load() || !store.append(numbered(1, 3))) {
        return 1;
      }
    }
    if (!remount(MS_RDONLY)) {
      return 2;
    }
    const Result<bool> leads = SqliteStore(place + "/state.db", Access::lead).try_lead("a:1");
    return !leads && says(leads.error(), "ead-only") ? 0 : 3;
  });
  if (status == cannot_mount) {
    MESSAGE("skipped: needs the right to mount (root)");
    return;
  }
  CHECK(status == 0);
}
