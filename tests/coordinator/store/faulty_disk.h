// A disk under SQLite that does what a test wants at a chosen call: for a process that may end.
#pragma once

#include <sqlite3.h>

#include <cstdint>

namespace murder::store {

struct FaultyDisk {
  enum class Fault : uint8_t { none, kill_before, kill_in_the_middle, sync_fails };

  Fault fault = Fault::none;
  uint64_t at_call = 0;  // from 1 on, of those that change a file or sync it
  uint64_t calls = 0;
  uint64_t syncs = 0;
};

// Stays for the rest of the process, of which there is one.
FaultyDisk& use_faulty_disk();

}  // namespace murder::store
