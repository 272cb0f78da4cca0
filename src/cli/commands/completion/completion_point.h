// What a command line that is being written asks for at its end. Pure: it knows the description of
// the command line alone, not what is on this machine.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/command_description.h"

namespace murder::cli {

struct Candidate {
  std::string word;
  std::string description;  // for shells that show one

  bool operator==(const Candidate&) const = default;
};

struct CompletionPoint {
  ValueKind kind = ValueKind::text;   // of the value that stands there; text: nothing is known
  std::string before;                 // what stands before the value in its word: "--to="
  std::string typed;                  // the value so far
  std::vector<Candidate> candidates;  // what the description alone says
  std::map<std::string, std::string> values;  // what was said before: "--to", "/srv/app"

  [[nodiscard]] std::string value_of(const std::string& option) const;
};

// `words` are those behind "murder", without quotes; the last one is being written and may be
// empty. The program's description needs no other command than that of the first word.
[[nodiscard]] CompletionPoint completion_point(const CommandDescription& program,
                                               const std::vector<std::string>& words);

// A word as it stands in a shell's line, without its quotes and backslashes. A quote may be open.
[[nodiscard]] std::string unquoted_word(std::string_view word);

// A list of hosts is written one after the other: moves what is before the last one to `before`.
void split_host_list(CompletionPoint& point);

}  // namespace murder::cli
