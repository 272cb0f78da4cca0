// The tables of a state's SQLite file. docs/state.md tells them to people.
#pragma once

#include "coordinator/store/sqlite_database.h"

namespace murder::store {

inline constexpr int64_t sqlite_format = 1;

// Sets up a connection that writes: the tables if the file is empty, and how it keeps its promises.
[[nodiscard]] Status prepare_to_write(SqliteDatabase& database);

// Errors: a file that is not a state (invalid_input), one of a newer version (unsupported).
[[nodiscard]] Status check_format(SqliteDatabase& database);

}  // namespace murder::store
