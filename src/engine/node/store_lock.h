// Who may have the files of a release open: one process to write them, any number to read them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "engine/base/bit_set.h"
#include "engine/base/result.h"
#include "engine/codec/metainfo.h"
#include "engine/io/sockets.h"

namespace murder::node {

// A lock (flock) on the file, or on the directory of several. It is of what was at the path when it
// was taken: where another process renames a file onto that path, the lock stays with the old one
// (is_at()). Ends with its process, or when it is destroyed.
class StoreLock {
 public:
  enum class Mode : uint8_t { none, shared, exclusive };
  // It may hold what others must not read: of them none but this process does.
  static constexpr mode_t directory_mode = 0700;
  static constexpr mode_t file_mode = 0600;

  // For writing if nobody else has it, else for reading. Creates the file (or the directory) when
  // `create`. Errors: another process is writing it (conflict), it cannot be created or opened.
  // What is as large as the release is locked for reading until it is known to lack something:
  // who serves it, or is about to, is not held up.
  [[nodiscard]] static Result<StoreLock> acquire(const codec::Metainfo& metainfo,
                                                 const std::string& path, bool create);
  [[nodiscard]] Mode mode() const { return mode_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  // Whether what is there may be written over: it was empty, or made by a run before this one. Of a
  // file also when the file system cannot tell.
  [[nodiscard]] bool is_ours() const { return is_ours_; }
  // Whether what is missing may be written, by what of it was verified.
  // Errors: another process has it, or it is not ours (conflict).
  [[nodiscard]] Status check_content(const codec::Metainfo& metainfo, const std::string& path,
                                     const BitSet& have) const;
  // From writing to reading: others may read it now.
  void share();
  // From reading to writing, if it may be written and nobody else has it; else it is locked no more
  // (none). Of several that claim it at once one gets it.
  void claim();
  // Whether `path` still leads to what is locked: another process may have put a file there since.
  [[nodiscard]] bool is_at(const std::string& path) const;
  // Whether what is open is what is locked.
  [[nodiscard]] bool is_of(int fd) const;

 private:
  io::Fd fd_;
  bool is_writable_ = false;
  int refusal_ = 0;  // why it is not, though it was to be: an errno value
  Mode mode_ = Mode::none;
  bool is_ours_ = true;
};

// Another file is at `path` than the one that is locked.
[[nodiscard]] Error replaced_error(const std::string& path);

}  // namespace murder::node
