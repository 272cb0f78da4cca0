// A directory of releases, DIR/TAG each, with a link to the current one and a record of what murder
// did there. Held under a lock from open() to the end, so that two commands do not mix.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/lock_file.h"
#include "engine/base/result.h"
#include "engine/host/release_record.h"
#include "engine/io/sockets.h"

namespace murder::host {

inline constexpr std::string_view release_record_name = ".murder-releases.json";
inline constexpr std::string_view current_link_default = "current";

// Whoever changes the directory holds this lock of it (lock_file.h).
inline constexpr std::string_view release_lock_name = ".murder-releases.lock";

struct ReleaseDirectoryOptions {
  bool is_read_only = false;  // without the lock
  bool sync_to_disk = true;   // what is changed outlasts a power cut, in the order of the calls
};

class ReleaseDirectory {
 public:
  // Waits for the lock for a while. Error (timeout): who has it.
  [[nodiscard]] static Result<ReleaseDirectory> open(const std::string& path,
                                                     const ReleaseDirectoryOptions& options = {});
  ReleaseDirectory(ReleaseDirectory&&) = default;
  ReleaseDirectory& operator=(ReleaseDirectory&&) = delete;
  ~ReleaseDirectory() = default;
  // The record alone, as it is now and without the lock; an empty one where there is none.
  [[nodiscard]] static Result<ReleaseRecord> read_record(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const ReleaseRecord& record() const { return record_; }
  [[nodiscard]] ReleaseRecord& record() { return record_; }
  [[nodiscard]] Status save_record();

  // DIR/TAG is a directory or a file (not a link to one).
  [[nodiscard]] bool has(const std::string& tag) const;
  // What the record lists as delivered or activated, as far as it is there.
  [[nodiscard]] PresentTags present() const;
  // The tag the link points to; empty when there is no link. Errors: it is not a link, or points to
  // something that is not a release of this directory.
  [[nodiscard]] Result<std::string> current(const std::string& link) const;
  // In one rename: who follows the link sees the old release or the new one.
  [[nodiscard]] Status switch_to(const std::string& tag, const std::string& link);
  // Out of the way in one rename, then removed.
  [[nodiscard]] Status remove(const std::string& tag);
  // What removals that were killed left of the releases that the record lists.
  void remove_leftovers();

 private:
  ReleaseDirectory(std::string path, io::Fd fd, std::optional<LockFile> lock,
                   const ReleaseDirectoryOptions& options)
      : path_(std::move(path)), fd_(std::move(fd)), lock_(std::move(lock)), options_(options) {}
  [[nodiscard]] Status sync() const;

  std::string path_;
  io::Fd fd_;
  std::optional<LockFile> lock_;
  ReleaseRecord record_;
  ReleaseDirectoryOptions options_;
};

}  // namespace murder::host
