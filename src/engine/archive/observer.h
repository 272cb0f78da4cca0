// How packing, unpacking and verifying tell what they do, and how they are told to stop.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "engine/base/result.h"

namespace murder::archive {

struct ByteProgress {
  uint64_t bytes_done = 0;
  uint64_t bytes_total = 0;
  std::string_view path;  // what is worked on; empty when nothing in particular
};

// Called on the thread that called the operation, some times a megabyte at most once per file.
// Everything is inline: the program derives from it with RTTI, the engine is compiled without.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void progress(const ByteProgress& /*progress*/) {}
  // What a person should know though the operation goes on.
  virtual void warning(std::string_view /*text*/) {}
  // All is complete, right and synced, and gets its name next. An Error: it gets none.
  [[nodiscard]] virtual Status may_place() { return {}; }
  // A tree is complete and gets its name next, in one step; this is its open directory.
  virtual void placing(int /*directory_fd*/) {}
};

// Set from any thread; the operation then ends with ErrorCode::interrupted within a buffer or two.
class CancelFlag {
 public:
  void set() { flag_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool is_set() const { return flag_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> flag_{false};
};

}  // namespace murder::archive
