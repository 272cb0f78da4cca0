#include "cli/commands/tune/apply.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "../../../temporary_directory.h"

namespace murder::cli::tune {
namespace {

namespace fs = std::filesystem;

void write_file(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A host in a directory: files that stand in for those of the kernel.
class FakeHost {
 public:
  FakeHost() {
    fs::create_directories(root() + "/var/lib");
    fs::create_directories(root() + "/etc");
    write_file(value_path(), "212992\n");
  }

  [[nodiscard]] std::string root() const { return directory_.path(); }
  [[nodiscard]] std::string value_path() const { return root() + "/proc/sys/net/core/rmem_max"; }
  [[nodiscard]] std::string drop_in_path() const { return root() + "/etc/sysctl.d/90-murder.conf"; }

  // All files with their contents, all directories.
  [[nodiscard]] std::map<std::string, std::string> tree() const {
    std::map<std::string, std::string> all;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root())) {
      all[entry.path().string()] = entry.is_regular_file() ? read_file(entry.path().string()) : "";
    }
    return all;
  }

  Result<Outcome> apply(const std::string& wanted, bool takes_over = false) {
    const Plan plan{.changes = {{.place = Place::sysctl,
                                 .key = "net.core.rmem_max",
                                 .now = "212992",
                                 .wanted = wanted}}};
    return run(plan, takes_over);
  }
  Result<Outcome> apply_nothing() { return run({}, false); }

  Outcome undo(bool takes_over = false) {
    const Result<std::optional<Record>> record = read_record(root());
    REQUIRE(record);
    REQUIRE(record->has_value());
    return tune::undo(root(), **record, takes_over);
  }

 private:
  Result<Outcome> run(const Plan& plan, bool takes_over) {
    const Result<std::optional<Record>> found = read_record(root());
    REQUIRE(found);
    return tune::apply(root(), plan, drop_ins_of(plan, "/usr/bin/murder"), *found, takes_over);
  }

  TemporaryDirectory directory_;
};

}  // namespace

TEST_CASE("apply writes drop-in and value, undo leaves the tree as it was") {
  FakeHost host;
  const auto before = host.tree();
  const Result<Outcome> applied = host.apply("4194304");
  REQUIRE(applied);
  CHECK(applied->failed.empty());
  CHECK(applied->done.size() == 2);
  CHECK(read_file(host.value_path()) == "4194304\n");
  CHECK(read_file(host.drop_in_path()).find("net.core.rmem_max = 4194304\n") != std::string::npos);
  CHECK(host.undo().failed.empty());
  CHECK(host.tree() == before);
}

TEST_CASE("a second apply changes nothing, another goal changes only what differs") {
  FakeHost host;
  const auto before = host.tree();
  REQUIRE(host.apply("4194304"));
  const auto once = host.tree();
  const Result<Outcome> again = host.apply("4194304");
  REQUIRE(again);
  CHECK(again->done.empty());
  CHECK(host.tree() == once);
  REQUIRE(host.apply("8388608"));
  CHECK(read_file(host.value_path()) == "8388608\n");
  REQUIRE(host.undo().failed.empty());
  CHECK(host.tree() == before);
}

TEST_CASE("a plan without what an earlier one had takes it back") {
  FakeHost host;
  const auto before = host.tree();
  REQUIRE(host.apply("4194304"));
  const Result<Outcome> outcome = host.apply_nothing();
  REQUIRE(outcome);
  CHECK(outcome->failed.empty());
  CHECK(host.tree() == before);
}

TEST_CASE("a file that was there comes back with its bytes, mode and time") {
  FakeHost host;
  write_file(host.drop_in_path(), std::string("mine\0\xff", 6));
  ::chmod(host.drop_in_path().c_str(), 0604);
  const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 2},
                             {.tv_sec = 1'600'000'000, .tv_nsec = 789}};
  REQUIRE(::utimensat(AT_FDCWD, host.drop_in_path().c_str(), times, 0) == 0);
  REQUIRE(host.apply("4194304"));
  CHECK(read_file(host.drop_in_path()).find("mine") == std::string::npos);
  REQUIRE(host.undo().failed.empty());
  CHECK(read_file(host.drop_in_path()) == std::string("mine\0\xff", 6));
  struct stat status {};
  REQUIRE(::stat(host.drop_in_path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0604);
  CHECK(status.st_mtim.tv_sec == 1'600'000'000);
  CHECK(status.st_mtim.tv_nsec == 789);
}

TEST_CASE("what somebody else changed is left alone and told, unless it is taken over") {
  FakeHost host;
  REQUIRE(host.apply("4194304"));
  write_file(host.drop_in_path(), "edited\n");
  const Result<Outcome> again = host.apply("8388608");
  REQUIRE(again);
  CHECK(again->failed.size() == 1);
  CHECK(read_file(host.drop_in_path()) == "edited\n");
  CHECK(host.undo().failed.size() == 1);
  CHECK(read_file(host.drop_in_path()) == "edited\n");
  CHECK(read_file(host.value_path()) == "212992\n");
  CHECK(host.undo(true).failed.empty());
  CHECK_FALSE(fs::exists(host.drop_in_path()));
  CHECK_FALSE(fs::exists(host.root() + std::string(record_path)));
}

TEST_CASE("a value that somebody else set stays at undo, and the record keeps it") {
  FakeHost host;
  REQUIRE(host.apply("4194304"));
  write_file(host.value_path(), "67108864\n");
  const Outcome outcome = host.undo();
  CHECK(outcome.failed.size() == 1);
  CHECK(read_file(host.value_path()) == "67108864\n");
  CHECK_FALSE(fs::exists(host.drop_in_path()));
  CHECK(host.undo(true).failed.empty());
  CHECK(read_file(host.value_path()) == "212992\n");
}

TEST_CASE("a link in the place of a drop-in is not followed: nothing is changed") {
  FakeHost host;
  fs::create_directories(host.root() + "/etc/sysctl.d");
  fs::create_symlink("/dev/null", host.drop_in_path());
  const auto before = host.tree();
  CHECK_FALSE(host.apply("4194304"));
  CHECK(host.tree() == before);
}

TEST_CASE("undo of nothing but a record that is as before takes the record away") {
  FakeHost host;
  const auto before = host.tree();
  REQUIRE(host.apply("4194304"));
  fs::remove(host.drop_in_path());
  write_file(host.value_path(), "212992\n");
  const Outcome outcome = host.undo();
  CHECK(outcome.failed.empty());
  CHECK(host.tree() == before);
}

TEST_CASE("killed after the record was written, undo and apply complete the work") {
  for (const bool undoes : {true, false}) {
    CAPTURE(undoes);
    FakeHost host;
    const auto before = host.tree();
    // As a run leaves it that was killed right after it wrote ahead.
    FakeHost other;
    REQUIRE(other.apply("4194304"));
    write_file(host.root() + std::string(record_path),
               read_file(other.root() + std::string(record_path)));
    if (undoes) {
      CHECK(host.undo().failed.empty());
      CHECK(host.tree() == before);
    } else {
      REQUIRE(host.apply("4194304"));
      CHECK(fs::exists(host.drop_in_path()));
      CHECK(read_file(host.value_path()) == "4194304\n");
      CHECK(host.undo().failed.empty());
    }
  }
}

}  // namespace murder::cli::tune
