// Puts a tree in place in one step.
//
// The tree is made in a hidden sibling of its target, on the same file system, and then renamed:
// onto nothing, onto an empty directory, or (when that was asked for) in exchange for what was
// there, which is then removed. Only where a directory cannot be renamed, since something is
// mounted on it or its parent is not ours to write, is the tree made inside it and moved entry by
// entry, which is said in a warning. Destroyed before commit(), it removes what it made.
#pragma once

#include <optional>
#include <string>

#include "engine/archive/observer.h"
#include "engine/archive/staging.h"
#include "engine/base/result.h"

namespace murder::archive {

struct PlacementOptions {
  std::string directory;      // made with all it lies in
  std::string tag;            // the tree becomes DIRECTORY/TAG; empty: DIRECTORY, behind a link too
  bool replace = false;       // whatever is there
  bool sync_to_disk = false;  // the tree before it gets its name, and the name before commit() ends
};

class TreePlacement {
 public:
  // An Error when the tag is none (base/tag.h), or something is at the target, an empty directory
  // aside, and it is not to be replaced.
  [[nodiscard]] static Result<TreePlacement> prepare(const PlacementOptions& options);

  // Where to make the tree: an empty directory.
  [[nodiscard]] int fd() const { return staging_->fd(); }
  [[nodiscard]] const std::string& path() const { return staging_->path(); }  // of it
  [[nodiscard]] const std::string& target() const { return target_; }
  // What the umask leaves of 0777: the mode of directories nothing says a mode of.
  [[nodiscard]] mode_t default_mode() const { return staging_->directory_mode(); }

  [[nodiscard]] Status commit(Observer& observer);

 private:
  TreePlacement(const PlacementOptions& options, std::string target);

  [[nodiscard]] Status make_staging();
  [[nodiscard]] Status rename_over();
  [[nodiscard]] Status exchange(Observer& observer);
  [[nodiscard]] Status replace_in_two_steps(Observer& observer);
  [[nodiscard]] Status sync_name();
  [[nodiscard]] Status move_entries();

  PlacementOptions options_;
  std::string target_;
  std::optional<Staging> staging_;
  bool is_inside_ = false;  // the staging directory lies in the target, not beside it
};

// Makes what lies at `path` already, a tree or a file, outlast a power cut, with its name.
[[nodiscard]] Status sync_placed(const std::string& path);

}  // namespace murder::archive
