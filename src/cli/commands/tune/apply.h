// Carries out a plan on a host and takes it back, with a record that is written ahead.
//
// Order of apply: the record with all that was there and all that will be; files; values of the
// running kernel; the record as it ended. Order of undo: values, files, the record. Killed in
// between, the next run of either finds in the record what each thing was and what it should be.
// All calls block.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/commands/tune/drop_ins.h"
#include "cli/commands/tune/plan.h"
#include "cli/commands/tune/record.h"
#include "cli/commands/tune/restore.h"
#include "engine/base/result.h"

namespace murder::cli::tune {

// `found` is the record of this host. What it has and the plan has not is taken back. With
// `takes_over`, files that somebody else changed are written all the same. Errors: nothing was
// changed.
[[nodiscard]] Result<Outcome> apply(const std::string& root, const Plan& plan,
                                    const std::vector<DropIn>& drop_ins,
                                    const std::optional<Record>& found, bool takes_over);

// Of a plan for the host as it was before `found`: what holds already, as drop-in and in the
// running kernel, is as wanted. Returns what apply would take back, a line each.
[[nodiscard]] std::vector<std::string> mark_done(const std::string& root, Plan& plan,
                                                 const std::vector<DropIn>& drop_ins,
                                                 const std::optional<Record>& found);

// What somebody else changed since stays, and stays in the record, unless `takes_over`.
[[nodiscard]] Outcome undo(const std::string& root, const Record& record, bool takes_over);

// At the start of the host: what of the record no drop-in holds.
[[nodiscard]] Outcome apply_at_boot(const std::string& root, const Record& record);

}  // namespace murder::cli::tune
