#include "coordinator/store/sqlite_schema.h"

#include <fmt/format.h>

namespace murder::store {
namespace {

constexpr int64_t application_id = 0x6d757264;  // "murd"

// end_bytes: of all records up to this one, in the life of the state.
constexpr const char* tables = R"(
CREATE TABLE record
  (number INTEGER PRIMARY KEY, line TEXT NOT NULL, end_bytes INTEGER NOT NULL) STRICT;
CREATE TABLE snapshot (position INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT;
CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE torrent (info_hash BLOB PRIMARY KEY, content BLOB NOT NULL) STRICT;
INSERT INTO mark VALUES ('snapshot_covers', 0);
PRAGMA application_id = 1836413540;
PRAGMA user_version = 1;
)";
static_assert(application_id == 1836413540 && sqlite_format == 1);

Status make_tables(SqliteDatabase& database) {
  SqliteTransaction transaction(database);
  Status done = transaction.begin();
  if (done) {
    done = database.run(tables);
  }
  return done ? transaction.commit() : done;
}

// What a file that others may have made is checked for while it is read, and how it is written.
constexpr const char* settings =
    "PRAGMA synchronous = FULL;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA journal_size_limit = 67108864;";

}  // namespace

Status check_format(SqliteDatabase& database) {
  const Result<int64_t> id = database.number("PRAGMA application_id");
  if (!id) {
    return fail(id.error());
  }
  if (*id != application_id) {
    return fail(ErrorCode::invalid_input,
                database.path() +
                    ": an SQLite file, but not a coordinator's state: name another "
                    "one");
  }
  const Result<int64_t> format = database.number("PRAGMA user_version");
  if (!format) {
    return fail(format.error());
  }
  if (*format != sqlite_format) {
    return fail(ErrorCode::unsupported,
                fmt::format("{}: written by a newer version of murder (format {}; this one knows "
                            "format {}): upgrade murder on this host",
                            database.path(), *format, sqlite_format));
  }
  return {};
}

Status prepare_to_write(SqliteDatabase& database) {
  // Nothing is in a file that is empty, or whose making was cut off. One that is not ours, or that
  // a newer version made, is not touched.
  const Result<int64_t> items = database.number("SELECT count(*) FROM sqlite_schema");
  if (!items) {
    return fail(items.error());
  }
  Status done = *items == 0 ? Status() : check_format(database);
  if (!done) {
    return done;
  }
  const Result<std::string> mode = database.text("PRAGMA journal_mode = WAL");
  if (!mode) {
    return fail(mode.error());
  }
  if (*mode != "wal") {
    return fail(ErrorCode::unsupported,
                fmt::format("{}: this file system has no shared memory for SQLite's log (journal "
                            "mode {}): use a directory on a local disk",
                            database.path(), *mode));
  }
  done = database.run(settings);
  return done && *items == 0 ? make_tables(database) : done;
}

}  // namespace murder::store
