#include "coordinator/store/sqlite_database.h"

#include <fmt/format.h>

#include <cstring>

#include "engine/base/printable.h"

namespace murder::store {
namespace {

// A reader of the same file, or its backup, holds a writer up for as long as it takes to look.
constexpr int wait_for_others_ms = 5000;

ErrorCode code_of(int code, int error_number) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return ErrorCode::no_space;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::permission;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::conflict;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::invalid_input;
    case SQLITE_TOOBIG:
      return ErrorCode::limit;
    default:
      return error_number != 0 ? error_code_of_errno(error_number) : ErrorCode::io;
  }
}

std::string text_of(int code, int error_number) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "the disk is full: make room on it";
    case SQLITE_CORRUPT:
      return "the file is damaged: restore a backup of it";
    case SQLITE_NOTADB:
      return "not an SQLite file: is it another file, or damaged? Name another one, or restore a "
             "backup";
    case SQLITE_READONLY:
      return "the file or its directory may not be written by this user, or its file system is "
             "read-only";
    case SQLITE_BUSY:
      return fmt::format("another process has kept it locked for {} s (a backup of it?)",
                         wait_for_others_ms / 1000);
    default:
      return error_number != 0
                 ? fmt::format("{}: {}", sqlite3_errstr(code & 0xff), std::strerror(error_number))
                 : std::string(sqlite3_errstr(code));
  }
}

}  // namespace

SqliteDatabase& SqliteDatabase::operator=(SqliteDatabase&& other) noexcept {
  if (this != &other) {
    close();
    connection_ = std::exchange(other.connection_, nullptr);
    path_ = std::move(other.path_);
    has_failed_ = other.has_failed_;
  }
  return *this;
}

void SqliteDatabase::close() {
  // All statements are finalized before; a connection that is busy all the same closes later.
  sqlite3_close_v2(std::exchange(connection_, nullptr));
}

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path, DatabaseAccess access) {
  SqliteDatabase database;
  database.path_ = path;
  // One that reads writes as well: the memory that it shares with the writer.
  const int opened = sqlite3_open_v2(path.c_str(), &database.connection_,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                         SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
                                     nullptr);
  if (opened != SQLITE_OK) {
    return fail(database.error());
  }
  sqlite3_busy_timeout(database.connection_, wait_for_others_ms);
  sqlite3_db_config(database.connection_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database.connection_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  if (access == DatabaseAccess::read) {
    if (Status only = database.run("PRAGMA query_only = 1"); !only) {
      return fail(only.error());
    }
  }
  return database;
}

Error SqliteDatabase::error() {
  const int code = connection_ == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(connection_);
  const int error_number = connection_ == nullptr || (code & 0xff) == SQLITE_ERROR
                               ? 0
                               : sqlite3_system_errno(connection_);
  has_failed_ = has_failed_ || (code & 0xff) == SQLITE_IOERR;
  std::string text = text_of(code, error_number);
  if ((code & 0xff) == SQLITE_ERROR) {
    text = printable_value(sqlite3_errmsg(connection_));
  }
  return {code_of(code, error_number), fmt::format("{}: {}", path_, text)};
}

Status SqliteDatabase::run(const char* sql) {
  if (sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return fail(error());
  }
  return {};
}

Result<int64_t> SqliteDatabase::number(const char* sql) {
  SqliteStatement statement(*this, sql);
  const Result<bool> row = statement.step();
  if (!row) {
    return fail(row.error());
  }
  return *row ? static_cast<int64_t>(statement.number(0)) : 0;
}

Result<std::string> SqliteDatabase::text(const char* sql) {
  SqliteStatement statement(*this, sql);
  const Result<bool> row = statement.step();
  if (!row) {
    return fail(row.error());
  }
  return *row ? std::string(statement.text(0)) : std::string();
}

SqliteStatement::SqliteStatement(SqliteDatabase& database, const char* sql)
    : database_(database),
      code_(sqlite3_prepare_v2(database.connection(), sql, -1, &statement_, nullptr)) {}

SqliteStatement& SqliteStatement::bind(int parameter, uint64_t value) {
  note(sqlite3_bind_int64(statement_, parameter, static_cast<int64_t>(value)));
  return *this;
}

SqliteStatement& SqliteStatement::bind(int parameter, std::string_view text) {
  note(sqlite3_bind_text64(statement_, parameter, text.data(), text.size(), SQLITE_STATIC,
                           SQLITE_UTF8));
  return *this;
}

SqliteStatement& SqliteStatement::bind(int parameter, std::span<const std::byte> bytes) {
  note(sqlite3_bind_blob64(statement_, parameter, bytes.data(), bytes.size(), SQLITE_STATIC));
  return *this;
}

Result<bool> SqliteStatement::step() {
  if (code_ == SQLITE_OK) {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
      return code == SQLITE_ROW;
    }
  }
  Error error = database_.error();
  return fail(std::move(error));
}

Status SqliteStatement::run() {
  const Result<bool> done = step();
  if (!done) {
    return fail(done.error());
  }
  reset();
  return {};
}

uint64_t SqliteStatement::number(int column) const {
  return static_cast<uint64_t>(sqlite3_column_int64(statement_, column));
}

std::string_view SqliteStatement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return text == nullptr ? std::string_view()
                         : std::string_view(
                               text, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}

std::span<const std::byte> SqliteStatement::bytes(int column) const {
  const auto* blob = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
  return {blob, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

SqliteTransaction::~SqliteTransaction() {
  // Some errors have undone it already.
  if (database_.is_open() && sqlite3_get_autocommit(database_.connection()) == 0) {
    static_cast<void>(database_.run("ROLLBACK"));
  }
}

}  // namespace murder::store
