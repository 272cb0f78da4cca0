// What the control groups of this process allow it, version 1 or 2: the least of its own group and
// of all groups above it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace murder::host {

struct CgroupLimits {
  std::optional<uint64_t> memory_bytes;
  std::optional<uint64_t> processes;  // pids.max, which counts threads
};

// `membership` is the text of /proc/self/cgroup, `root` where the hierarchies are mounted.
[[nodiscard]] CgroupLimits read_cgroup_limits(const std::string& membership,
                                              const std::string& root);
// Of this process.
[[nodiscard]] CgroupLimits read_cgroup_limits();

// The memory this process may have: the least of its control groups' and of `ulimit -v`.
[[nodiscard]] std::optional<uint64_t> memory_limit();

inline constexpr uint64_t memory_bytes_min = 16ULL * 1024 * 1024;  // of a peer or seeder

// How much of such a limit --memory takes when nobody says: a quarter, and no more than the
// default.
[[nodiscard]] uint64_t memory_budget_of(const std::optional<uint64_t>& limit_bytes);

}  // namespace murder::host
