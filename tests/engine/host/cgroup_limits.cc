#include "engine/host/cgroup_limits.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"
#include "engine/base/bounds.h"

namespace murder::host {
namespace {

constexpr uint64_t mib = 1024 * 1024;

// A tree of control groups in a directory.
struct Groups {
  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path whole = directory.path() + "/" + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text << "\n";
  }
  [[nodiscard]] CgroupLimits read(const std::string& membership) const {
    return read_cgroup_limits(membership, directory.path());
  }

  TemporaryDirectory directory;
};

}  // namespace

TEST_CASE("of version 2 the least of a group and of those above it counts") {
  const Groups groups;
  groups.write("a/b/memory.max", "max");
  groups.write("a/memory.max", "67108864");
  groups.write("a/b/pids.max", "20");
  groups.write("a/pids.max", "max");
  const CgroupLimits limits = groups.read("0::/a/b\n");
  CHECK(limits.memory_bytes == 64 * mib);
  CHECK(limits.processes == 20);
  groups.write("a/b/memory.max", "1048576");
  CHECK(groups.read("0::/a/b\n").memory_bytes == mib);
}

TEST_CASE("of version 1 each controller has its own tree") {
  const Groups groups;
  groups.write("memory/x/memory.limit_in_bytes", "67108864");
  groups.write("memory/memory.limit_in_bytes", "9223372036854771712");
  groups.write("pids/y/pids.max", "7");
  const CgroupLimits limits = groups.read("9:pids:/y\n4:cpu,memory:/x\n0::/\n");
  CHECK(limits.memory_bytes == 64 * mib);
  CHECK(limits.processes == 7);
}

TEST_CASE("in a container the group is the root of what is mounted") {
  const Groups groups;
  groups.write("memory.max", "134217728");
  CHECK(groups.read("0::/\n").memory_bytes == 128 * mib);
  CHECK(groups.read("0::/../outside\n").memory_bytes == 128 * mib);
  groups.write("memory/memory.limit_in_bytes", "33554432");
  // The names of the host's groups are not there.
  CHECK(groups.read("4:memory:/docker/0123\n").memory_bytes == 32 * mib);
}

TEST_CASE("where nothing is limited there is no limit") {
  const Groups groups;
  CHECK_FALSE(groups.read("").memory_bytes);
  CHECK_FALSE(groups.read("nonsense\n0::/a\n4:memory:/b\n").memory_bytes);
}

TEST_CASE("the budget is a quarter of the limit, within bounds") {
  CHECK(memory_budget_of(std::nullopt) == limits::memory_bytes_default);
  CHECK(memory_budget_of(8ULL * 1024 * mib) == limits::memory_bytes_default);
  CHECK(memory_budget_of(128 * mib) == 32 * mib);
  CHECK(memory_budget_of(64 * mib) == 16 * mib);
  CHECK(memory_budget_of(mib) == 16 * mib);
}

}  // namespace murder::host
