// How far a process or a command is, as values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace murder::host {

struct Progress {
  std::string phase;         // "downloading", "verifying", "unpacking", "packing", ...
  uint64_t done_bytes = 0;   // of this phase
  uint64_t total_bytes = 0;  // 0: not known
  std::optional<uint32_t> peers;

  bool operator==(const Progress&) const = default;
};

}  // namespace murder::host
