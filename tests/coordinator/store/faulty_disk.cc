#include "faulty_disk.h"

#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <cstdlib>

namespace murder::store {
namespace {

FaultyDisk disk;
sqlite3_vfs vfs;
sqlite3_vfs* real_vfs = nullptr;
// Files have one of few tables of methods; each gets a copy in which some are ours.
struct Methods {
  const sqlite3_io_methods* real = nullptr;
  sqlite3_io_methods ours{};
};
std::array<Methods, 8> tables;

const sqlite3_io_methods& real_of(const sqlite3_file* file) {
  for (const Methods& table : tables) {
    if (file->pMethods == &table.ours) {
      return *table.real;
    }
  }
  std::abort();
}

bool is_due() {
  return ++disk.calls == disk.at_call;
}

int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  if (is_due()) {
    if (disk.fault == FaultyDisk::Fault::kill_in_the_middle) {
      real_of(file).xWrite(file, bytes, size / 2, offset);
    }
    if (disk.fault != FaultyDisk::Fault::sync_fails) {
      std::raise(SIGKILL);
    }
  }
  return real_of(file).xWrite(file, bytes, size, offset);
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (is_due() && disk.fault != FaultyDisk::Fault::sync_fails) {
    std::raise(SIGKILL);
  }
  return real_of(file).xTruncate(file, size);
}

int sync(sqlite3_file* file, int flags) {
  ++disk.syncs;
  if (is_due() && disk.fault != FaultyDisk::Fault::sync_fails) {
    std::raise(SIGKILL);
  }
  if (disk.fault == FaultyDisk::Fault::sync_fails && disk.calls >= disk.at_call) {
    disk.fault = FaultyDisk::Fault::none;
    return SQLITE_IOERR_FSYNC;
  }
  return real_of(file).xSync(file, flags);
}

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* ret_flags) {
  const int code = real_vfs->xOpen(real_vfs, name, file, flags, ret_flags);
  if (file->pMethods == nullptr) {
    return code;
  }
  for (Methods& table : tables) {
    if (table.real == nullptr) {
      table.real = file->pMethods;
      table.ours = *file->pMethods;
      table.ours.xWrite = write;
      table.ours.xTruncate = truncate;
      table.ours.xSync = sync;
    }
    if (table.real == file->pMethods) {
      file->pMethods = &table.ours;
      return code;
    }
  }
  std::abort();
}

}  // namespace

FaultyDisk& use_faulty_disk() {
  if (real_vfs == nullptr) {
    real_vfs = sqlite3_vfs_find(nullptr);
    vfs = *real_vfs;
    vfs.zName = "faulty";
    vfs.xOpen = open;
    sqlite3_vfs_register(&vfs, 1);
  }
  return disk;
}

}  // namespace murder::store
