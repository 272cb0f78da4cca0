#include "cli/commands/tune/restore.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands/tune/read_facts.h"
#include "cli/commands/tune/runtime_values.h"
#include "engine/base/small_file.h"

namespace murder::cli::tune {

std::string what_of(const ValueEntry& entry) {
  return Change{.place = entry.place, .key = entry.key}.what();
}

bool restore_value(const std::string& root, const ValueEntry& entry, bool takes_over,
                   Outcome& outcome) {
  if (!has_runtime_value(root, entry.place)) {
    return true;
  }
  const Result<std::string> now = read_value(root, entry.place, entry.key);
  if (!now) {
    return true;  // the interface or the interrupt is gone, and its setting with it
  }
  if (*now == entry.before) {
    return true;
  }
  if (!entry.is_ours(*now) && !takes_over) {
    outcome.failed.push_back(
        fmt::format("{} is {} now, which murder tune did not write: it stays (--force sets {})",
                    what_of(entry), *now, entry.before));
    return false;
  }
  if (Status status = write_value(root, entry.place, entry.key, entry.before); !status) {
    if (entry.place == Place::module && status.error().code == ErrorCode::conflict) {
      outcome.notes.push_back(status.error().text);
      return true;  // no drop-in loads it any more
    }
    outcome.failed.push_back(status.error().text);
    return false;
  }
  outcome.done.push_back(fmt::format("{}: {} -> {}", what_of(entry), *now, entry.before));
  return true;
}

bool restore_file(const std::string& root, const FileEntry& entry, bool takes_over,
                  Outcome& outcome) {
  const std::string path = below(root, entry.path);
  const Result<FileState> now = read_state(path);
  if (!now) {
    outcome.failed.push_back(now.error().text);
    return false;
  }
  const bool is_as_before = entry.is_as_before(*now);
  if (!is_as_before && now->exists && !entry.is_ours(*now) && !takes_over) {
    outcome.failed.push_back(fmt::format(
        "{} was changed by somebody else: it stays (--force brings back what was there before)",
        entry.path));
    return false;
  }
  // Also where nothing is to be changed: what a killed run left beside it goes.
  if (Status status = is_as_before && now->exists ? Status() : place_state(path, entry.before);
      !status) {
    outcome.failed.push_back(status.error().text);
    return false;
  }
  if (!is_as_before) {
    outcome.done.push_back((entry.before.exists ? "brought back " : "removed ") + entry.path);
  }
  return true;
}

void remove_directories(const std::string& root, const std::vector<std::string>& directories) {
  for (auto each = directories.rbegin(); each != directories.rend(); ++each) {
    const std::string path = below(root, *each);
    if (::rmdir(path.c_str()) == 0) {
      static_cast<void>(sync_directory(path.substr(0, path.rfind('/'))));
    }
  }
}

}  // namespace murder::cli::tune
