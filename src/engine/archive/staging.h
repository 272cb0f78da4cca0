// Things that are made under a hidden name beside their own, and get their own name in one step.
//
// A hidden name is ".NAME.murder-" and 12 hexadecimal digits. The process that makes it holds a
// lock (flock) on it for as long as it lives, so that what a killed run left behind is told from
// what another process is working on; each run removes what was left behind for its own NAME.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/archive/file.h"
#include "engine/archive/out_of_memory.h"
#include "engine/base/result.h"

namespace murder::archive {

// Owns a hidden file or directory: removes it when destroyed, unless it was released.
class Staging {
 public:
  enum class Kind : uint8_t { file, directory };

  // Makes ".NAME.murder-..." in the directory `parent`: a file with the permissions the umask
  // leaves of `file_mode`, or a directory of mode 0700.
  [[nodiscard]] static Result<Staging> make(const std::string& parent, const std::string& name,
                                            Kind kind, mode_t file_mode = 0666);
  Staging(Staging&& other) noexcept;
  Staging& operator=(Staging&&) = delete;
  ~Staging();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int fd() const { return file_.get(); }
  // What the umask left of 0777 for a directory.
  [[nodiscard]] mode_t directory_mode() const { return directory_mode_; }

  // Gives it the name `target` in one step, over a file or an empty directory of that name. Owns
  // nothing afterwards but, of a file, a lock to read.
  [[nodiscard]] Status rename_to(const std::string& target);
  // Fails when a file of that name is there (link(2) does not replace). Files only.
  [[nodiscard]] Status rename_to_new(const std::string& target);
  // Removes it now, to learn how that went.
  [[nodiscard]] Status discard();
  // Changes places with `target`: this is then what was there before, and is removed. An Error
  // (unsupported) where the directory there cannot be moved at all, as on overlayfs one that comes
  // from a lower layer (EXDEV).
  [[nodiscard]] Status exchange_with(const std::string& target);

 private:
  Staging(Fd file, std::string path, Kind kind, mode_t directory_mode);
  void share() const;

  Fd file_;  // its lock ends with it
  // Of a directory: given back for its removal, since the limit of descriptors may be what ends it.
  std::vector<Fd> reserve_;
  std::string path_;   // empty when there is nothing to remove
  DoomedPath doomed_;  // the same, for the end of the process
  Kind kind_;
  mode_t directory_mode_ = 0;
};

// Removes what killed runs left for NAME in this directory. What cannot be removed stays: it harms
// nothing but space.
void remove_leftovers(const std::string& parent, const std::string& name);
void remove_leftovers(const std::string& parent, std::span<const std::string> names);

// The same of symbolic links, which cannot be locked: for who has locked the directory.
void remove_link_leftovers(const std::string& parent, const std::string& name);

// What who gives several files of NAME their names holds locked meanwhile (base/lock_file.h).
[[nodiscard]] std::string lock_name_of(const std::string& name);

// Whether `entry` is a hidden name for NAME, or its lock.
[[nodiscard]] bool is_staging_name(const std::string& entry, const std::string& name);

}  // namespace murder::archive
