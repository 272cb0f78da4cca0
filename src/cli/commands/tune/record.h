// What `murder tune --apply` found and what it wrote: all that --undo needs. Written before the
// first change, so that a run that was killed at any moment can be completed or undone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/tune/file_state.h"
#include "cli/commands/tune/plan.h"
#include "engine/base/json.h"
#include "engine/base/result.h"

namespace murder::cli::tune {

// Not in /var/lib/murder: that belongs to the user of the services, who must not be able to name
// files for root to write.
inline constexpr std::string_view record_path = "/var/lib/murder-tune.json";

struct FileEntry {
  std::string path;  // from the root of the host
  FileState before;
  // Contents that we wrote or were about to write, the last one as it should be now; of none the
  // file should be as before.
  std::vector<std::string> written;

  [[nodiscard]] bool is_ours(const FileState& now) const;
  [[nodiscard]] bool is_as_before(const FileState& now) const;
};

struct ValueEntry {
  Place place = Place::sysctl;
  std::string key;
  std::string before;
  std::vector<std::string> written;

  [[nodiscard]] bool is_ours(const std::string& now) const;
};

struct Record {
  std::vector<FileEntry> files;
  std::vector<std::string> directories;  // that we made, an upper one before a lower one
  std::vector<ValueEntry> values;        // in the order in which they are set

  [[nodiscard]] const FileEntry* find_file(std::string_view path) const;
  [[nodiscard]] const ValueEntry* find_value(Place place, std::string_view key) const;
  [[nodiscard]] bool is_empty() const { return files.empty() && values.empty(); }
};

[[nodiscard]] std::string text_of(const Record& record);
// Errors: not a record of ours, or one that names what tune never writes.
[[nodiscard]] Result<Record> parse_record(std::string_view text);

// The record of this host; nothing if there is none. Errors: one that others may have written.
[[nodiscard]] Result<std::optional<Record>> read_record(const std::string& root);
[[nodiscard]] Status write_record(const std::string& root, const Record& record);
[[nodiscard]] Status remove_record(const std::string& root);

// The facts as they were before tune changed them, so that a plan comes out the same again.
[[nodiscard]] Facts before_tuning(Facts facts, const Record& record);

}  // namespace murder::cli::tune
