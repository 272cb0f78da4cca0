// Takes back single entries of a record of tune.
#pragma once

#include <string>

#include "cli/commands/tune/record.h"

namespace murder::cli::tune {

struct Outcome {
  std::vector<std::string> done;    // a line for each thing that was changed
  std::vector<std::string> failed;  // what could not be, or belongs to somebody else by now
  std::vector<std::string> notes;   // what comes with the next boot
};

// Each returns whether the thing is as it was before tune. What somebody else changed since stays,
// unless `takes_over`.
bool restore_value(const std::string& root, const ValueEntry& entry, bool takes_over,
                   Outcome& outcome);
bool restore_file(const std::string& root, const FileEntry& entry, bool takes_over,
                  Outcome& outcome);

// Those that we made, as far as they are empty.
void remove_directories(const std::string& root, const std::vector<std::string>& directories);

[[nodiscard]] std::string what_of(const ValueEntry& entry);

}  // namespace murder::cli::tune
