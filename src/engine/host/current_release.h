// Which release of a directory is current, and which are kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/host/release_directory.h"

namespace murder::host {

struct SwitchOptions {
  std::string tag;
  std::string link = std::string(current_link_default);
  bool is_rollback = false;  // what was activated after `tag` does not come back by a further one
};
// Switches the link, and records it. What to tell: "tag", "link", "previous".
[[nodiscard]] Result<Json> make_current(ReleaseDirectory& directory, const SwitchOptions& options);

// With `keep`, removes older releases. What to tell: "current", "releases", "removed", "previous",
// and "info_hashes", by tag, of what was placed and is there.
[[nodiscard]] Result<Json> keep_releases(ReleaseDirectory& directory, const std::string& link,
                                         std::optional<uint32_t> keep);

// Removes one that is recorded. Errors: it is the current one, or murder did not put it there.
[[nodiscard]] Status remove_release(ReleaseDirectory& directory, const std::string& link,
                                    const std::string& tag);

}  // namespace murder::host
