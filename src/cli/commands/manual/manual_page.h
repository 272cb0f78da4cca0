// Manual pages, written in mdoc. Pure: a page depends on the command line's description and on the
// edition alone, so that every machine makes the same bytes.
#pragma once

#include <string>
#include <string_view>

#include "cli/commands/command_description.h"
#include "engine/base/result.h"

namespace murder::cli {

struct ManualEdition {
  std::string version;  // "0.1.0"
  std::string date;     // "November 29, 2026"
};

// "2026-11-29" as manual pages have it.
[[nodiscard]] Result<std::string> manual_date(std::string_view iso_date);

// The page of a command, or of a task of a command. That of a command with tasks describes them
// all.
[[nodiscard]] std::string command_page(const CommandDescription& command,
                                       const ManualEdition& edition);

// A page written by hand, in which these lines are filled in from the description of the program:
//   .\" @commands [NAME...]            a list of commands; those not listed yet where none is named
//   .\" @options COMMAND [--NAME...]   a list of its options, all its own where none is named
//   .\" @keys TABLE                    the keys of a table of murder.toml
//   .\" @tracker-keys TABLE            the same of tracker.toml
// and in which @DATE@ and @VERSION@ are replaced. Errors: something of that is not known.
[[nodiscard]] Result<std::string> filled_page(std::string_view page,
                                              const CommandDescription& program,
                                              const ManualEdition& edition);

// A list of options or of arguments; empty if there is none.
[[nodiscard]] std::string options_list(const std::vector<OptionDescription>& options);

}  // namespace murder::cli
