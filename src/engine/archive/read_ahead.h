// Has the files of a tree read from the disk a little before they are packed, so that packing
// does not wait for each of them in turn.
//
// A separate thread opens what comes next and asks for it (POSIX_FADV_WILLNEED); it stays within
// ahead_bytes of the packer, and ends with the destructor. What it cannot open is for the packer to
// complain about.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "engine/archive/directory_cursor.h"
#include "engine/archive/tree_walk.h"

namespace murder::archive {

class ReadAhead {
 public:
  // The tree and the directory outlive it.
  ReadAhead(int root_fd, const Tree& tree);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;
  ~ReadAhead();

  // That many more bytes of files were packed, or entries of `entry_cost_bytes` each.
  void packed(uint64_t bytes) {
    position_.fetch_add(bytes, std::memory_order_relaxed);
    position_.notify_one();
  }
  // What an entry counts for besides its content.
  static constexpr uint64_t entry_cost_bytes = 4096;

 private:
  static constexpr uint64_t ahead_bytes = 32 * 1024 * 1024;
  static constexpr uint64_t part_bytes = 4 * 1024 * 1024;
  static constexpr uint64_t end_position = UINT64_MAX / 2;

  void run();
  // False when it is time to end.
  [[nodiscard]] bool wait_for(uint64_t position) const;
  [[nodiscard]] bool ask_for(const TreeEntry& entry, uint64_t position);

  const Tree& tree_;
  DirectoryCursor cursor_;
  std::atomic<uint64_t> position_{0};
  std::thread thread_;
};

}  // namespace murder::archive
