// One connection to an SQLite file, and its errors as ours. For the sources of this layer.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.h"

namespace murder::store {

// What opening a file may do.
enum class DatabaseAccess : uint8_t { write, read };

// Owned by one thread. An error leaves the connection usable; a transaction that failed is undone
// by SqliteTransaction.
class SqliteDatabase {
 public:
  SqliteDatabase() = default;
  SqliteDatabase(SqliteDatabase&& other) noexcept { *this = std::move(other); }
  SqliteDatabase& operator=(SqliteDatabase&& other) noexcept;
  ~SqliteDatabase() { close(); }

  // The file is there (it may be empty).
  [[nodiscard]] static Result<SqliteDatabase> open(const std::string& path, DatabaseAccess access);
  void close();
  [[nodiscard]] bool is_open() const { return connection_ != nullptr; }

  // Statements without a result that is of interest.
  [[nodiscard]] Status run(const char* sql);
  // The first value of the first row; 0 if there is none.
  [[nodiscard]] Result<int64_t> number(const char* sql);
  [[nodiscard]] Result<std::string> text(const char* sql);

  // What the last call ran into.
  [[nodiscard]] Error error();
  // Whether a read, write or sync of the file has failed since it was opened.
  [[nodiscard]] bool has_failed() const { return has_failed_; }
  [[nodiscard]] sqlite3* connection() const { return connection_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  sqlite3* connection_ = nullptr;
  std::string path_;
  bool has_failed_ = false;
};

class SqliteStatement {
 public:
  SqliteStatement(SqliteDatabase& database, const char* sql);
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;
  ~SqliteStatement() { sqlite3_finalize(statement_); }

  // Parameters count from 1. What is bound must stay until the next step.
  SqliteStatement& bind(int parameter, uint64_t value);
  SqliteStatement& bind(int parameter, std::string_view text);
  SqliteStatement& bind(int parameter, std::span<const std::byte> bytes);
  SqliteStatement& bind(int parameter, std::span<const uint8_t> bytes) {
    return bind(parameter, std::as_bytes(bytes));
  }

  // True: a row is there.
  [[nodiscard]] Result<bool> step();
  // Before it is bound again.
  void reset() { sqlite3_reset(statement_); }
  // To its end, without a row; then it may be bound and run again.
  [[nodiscard]] Status run();

  [[nodiscard]] uint64_t number(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::span<const std::byte> bytes(int column) const;

 private:
  void note(int code) { code_ = code_ == SQLITE_OK ? code : code_; }

  SqliteDatabase& database_;
  sqlite3_stmt* statement_ = nullptr;
  int code_ = SQLITE_OK;
};

// Undone unless it was committed.
class SqliteTransaction {
 public:
  explicit SqliteTransaction(SqliteDatabase& database) : database_(database) {}
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction();

  [[nodiscard]] Status begin() { return database_.run("BEGIN IMMEDIATE"); }
  // On the disk when it returns.
  [[nodiscard]] Status commit() { return database_.run("COMMIT"); }

 private:
  SqliteDatabase& database_;
};

}  // namespace murder::store
