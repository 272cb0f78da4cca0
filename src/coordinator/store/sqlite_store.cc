#include "coordinator/store/sqlite_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "coordinator/store/audit_trim.h"
#include "coordinator/store/bounds.h"
#include "coordinator/store/sqlite_schema.h"
#include "coordinator/store/torrent_texts.h"

namespace murder::store {

// --- opening, and who leads ---

Result<bool> SqliteStore::take_lead(std::string_view own_address) {
  if (access_ == Access::look) {
    return fail(ErrorCode::unsupported, file_ + ": was opened to be read only");
  }
  Result<StateLock> lock = StateLock::take(file_, own_address);
  if (!lock) {
    return fail(lock.error());
  }
  lock_ = std::move(*lock);
  if (Status open = open_to_write(); !open) {
    give_lead_back();
    return fail(open.error());
  }
  return true;
}

void SqliteStore::give_lead_back() {
  database_.close();
  lock_.release();
}

std::string SqliteStore::leader_address() {
  return StateLock::read_holder_address(file_);
}

Status SqliteStore::open_to_write() {
  if (Status made = make_private_file(file_); !made) {
    return made;
  }
  Result<SqliteDatabase> database = SqliteDatabase::open(file_, DatabaseAccess::write);
  if (!database) {
    return fail(database.error());
  }
  database_ = std::move(*database);
  return prepare_to_write(database_);
}

Status SqliteStore::open_to_look() {
  Result<SqliteDatabase> database = SqliteDatabase::open(file_, DatabaseAccess::read);
  if (!database) {
    return fail(database.error());
  }
  database_ = std::move(*database);
  Status known = check_format(database_);
  if (!known) {
    database_.close();
  }
  return known;
}

Status SqliteStore::ensure_open() {
  return database_.is_open() ? Status() : open_to_look();
}

// After a sync that failed, the kernel counts as written what is not on the disk. The log is copied
// into the file itself, which is synced: what is read after that is on the disk.
Status SqliteStore::begin_again() {
  if (Status open = open_to_write(); !open) {
    return open;
  }
  const Result<int64_t> is_blocked = database_.number("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!is_blocked) {
    return fail(is_blocked.error());
  }
  if (*is_blocked != 0) {
    return fail(ErrorCode::conflict,
                file_ +
                    ": another process reads it (a backup?), so what could not be written "
                    "before cannot be checked");
  }
  must_begin_again_ = false;
  return {};
}

// --- records ---

Result<RecordStore::Loaded> SqliteStore::read_all() {
  must_begin_again_ = must_begin_again_ || database_.has_failed();
  Status ready = must_begin_again_ && is_leading() ? begin_again() : ensure_open();
  SqliteTransaction one_view(database_);
  if (ready) {
    ready = database_.run("BEGIN");
  }
  if (!ready) {
    return fail(ready.error());
  }
  const Result<int64_t> covered =
      database_.number("SELECT value FROM mark WHERE name = 'snapshot_covers'");
  if (!covered) {
    return fail(covered.error());
  }
  Loaded loaded{.last_number = static_cast<uint64_t>(*covered)};
  SqliteStatement snapshot(database_, "SELECT line FROM snapshot ORDER BY position");
  Result<bool> row = snapshot.step();
  for (; row && *row; row = snapshot.step()) {
    loaded.lines.emplace_back(snapshot.text(0));
  }
  loaded.snapshot_lines = loaded.lines.size();
  if (!row) {
    return fail(row.error());
  }
  SqliteStatement records(database_,
                          "SELECT number, line FROM record WHERE number > ? ORDER BY number");
  records.bind(1, loaded.last_number);
  for (row = records.step(); row && *row; row = records.step()) {
    if (records.number(0) != loaded.last_number + 1) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("{}: record {} is missing: restore a backup of the file", file_,
                              loaded.last_number + 1));
    }
    loaded.lines.emplace_back(records.text(1));
    ++loaded.last_number;
  }
  if (!row) {
    return fail(row.error());
  }
  const Result<int64_t> end =
      database_.number("SELECT end_bytes FROM record ORDER BY number DESC LIMIT 1");
  if (!end) {
    return fail(end.error());
  }
  end_bytes_ = static_cast<uint64_t>(*end);
  return loaded;
}

Status SqliteStore::write_records(std::span<const std::string> lines) {
  SqliteTransaction transaction(database_);
  if (Status begun = transaction.begin(); !begun) {
    return begun;
  }
  SqliteStatement insert(database_, "INSERT INTO record VALUES (?, ?, ?)");
  uint64_t number = last_number();
  uint64_t end_bytes = end_bytes_;
  for (const std::string& line : lines) {
    end_bytes += line.size();
    if (Status done = insert.bind(1, ++number).bind(2, line).bind(3, end_bytes).run(); !done) {
      return done;
    }
  }
  Status done = transaction.commit();
  if (done) {
    end_bytes_ = end_bytes;
  }
  return done;
}

Status SqliteStore::replace_snapshot(std::span<const std::string> lines) {
  SqliteTransaction transaction(database_);
  Status done = transaction.begin();
  if (done) {
    done = database_.run("DELETE FROM snapshot");
  }
  if (!done) {
    return done;
  }
  SqliteStatement insert(database_, "INSERT INTO snapshot VALUES (?, ?)");
  for (size_t index = 0; index < lines.size(); ++index) {
    done = insert.bind(1, uint64_t{index}).bind(2, lines[index]).run();
    if (!done) {
      return done;
    }
  }
  SqliteStatement mark(database_, "UPDATE mark SET value = ? WHERE name = 'snapshot_covers'");
  done = mark.bind(1, last_number()).run();
  if (done) {
    done = trim_audit();
  }
  return done ? transaction.commit() : done;
}

Status SqliteStore::trim_audit() {
  const Result<int64_t> first = database_.number("SELECT min(number) FROM record");
  if (!first || *first == 0) {
    return first ? Status() : Status(fail(first.error()));
  }
  SqliteStatement find(database_, "SELECT end_bytes FROM record WHERE number = ?");
  const Result<uint64_t> kept = first_kept({.first = static_cast<uint64_t>(*first),
                                            .last = last_number(),
                                            .covered = last_number(),
                                            .records_max = limits::store_audit_records_max,
                                            .bytes_max = limits::store_audit_bytes_max},
                                           [&](uint64_t number) -> Result<uint64_t> {
                                             const Result<bool> row = find.bind(1, number).step();
                                             if (!row) {
                                               return fail(row.error());
                                             }
                                             const uint64_t end = *row ? find.number(0) : 0;
                                             find.reset();
                                             return end;
                                           });
  if (!kept) {
    return fail(kept.error());
  }
  SqliteStatement erase(database_, "DELETE FROM record WHERE number < ?");
  return erase.bind(1, *kept).run();
}

Result<std::vector<AuditLine>> SqliteStore::read_records(uint64_t from, size_t max) {
  if (Status ready = ensure_open(); !ready) {
    return fail(ready.error());
  }
  SqliteStatement select(
      database_, "SELECT number, line FROM record WHERE number >= ? ORDER BY number LIMIT ?");
  // SQLite counts with a sign.
  select.bind(1, std::min<uint64_t>(from, INT64_MAX)).bind(2, uint64_t{max});
  std::vector<AuditLine> lines;
  size_t bytes = 0;
  Result<bool> row = select.step();
  for (; row && *row && bytes < limits::store_audit_read_bytes_max; row = select.step()) {
    lines.push_back({.number = select.number(0), .line = std::string(select.text(1))});
    bytes += lines.back().line.size();
  }
  return row ? Result<std::vector<AuditLine>>(std::move(lines)) : fail(row.error());
}

// --- torrents ---

Status SqliteStore::write_torrent(const InfoHash& info_hash, std::span<const std::byte> content) {
  const Result<int64_t> others = [&]() -> Result<int64_t> {
    SqliteStatement count(database_, "SELECT count(*) FROM torrent WHERE info_hash != ?");
    const Result<bool> row = count.bind(1, std::span(info_hash.bytes)).step();
    return row ? Result<int64_t>(static_cast<int64_t>(count.number(0))) : fail(row.error());
  }();
  if (!others) {
    return fail(others.error());
  }
  if (*others >= int64_t{limits::store_torrents_max}) {
    return fail(too_many_torrents(name()));
  }
  SqliteStatement insert(database_, "INSERT OR REPLACE INTO torrent VALUES (?, ?)");
  return insert.bind(1, std::span(info_hash.bytes)).bind(2, content).run();
}

Status SqliteStore::erase_torrent(const InfoHash& info_hash) {
  SqliteStatement erase(database_, "DELETE FROM torrent WHERE info_hash = ?");
  return erase.bind(1, std::span(info_hash.bytes)).run();
}

Result<std::vector<std::byte>> SqliteStore::get_torrent(const InfoHash& info_hash) {
  if (Status ready = ensure_open(); !ready) {
    return fail(ready.error());
  }
  SqliteStatement select(database_, "SELECT content FROM torrent WHERE info_hash = ?");
  const Result<bool> row = select.bind(1, std::span(info_hash.bytes)).step();
  if (!row) {
    return fail(row.error());
  }
  if (!*row) {
    return fail(no_such_torrent(name(), info_hash));
  }
  const std::span<const std::byte> content = select.bytes(0);
  return std::vector<std::byte>(content.begin(), content.end());
}

Result<std::vector<InfoHash>> SqliteStore::list_torrents() {
  if (Status ready = ensure_open(); !ready) {
    return fail(ready.error());
  }
  SqliteStatement select(database_, "SELECT info_hash FROM torrent ORDER BY info_hash");
  std::vector<InfoHash> ids;
  Result<bool> row = select.step();
  for (; row && *row; row = select.step()) {
    const std::span<const std::byte> bytes = select.bytes(0);
    const std::optional<InfoHash> id =
        InfoHash::from_bytes({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    if (!id) {
      return fail(ErrorCode::invalid_input, file_ + ": the name of a torrent is damaged");
    }
    ids.push_back(*id);
  }
  return row ? Result<std::vector<InfoHash>>(std::move(ids)) : fail(row.error());
}

}  // namespace murder::store
