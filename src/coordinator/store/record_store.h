// Where a coordinator keeps what must outlive it: its records (control/record.h), a snapshot that
// stands for the older ones, and the torrents of its releases.
//
//   try_lead() until it is true; load(); then append() turn by turn, keep_lead() once a second.
//
// One coordinator at a time writes: it leads. Whoever lost the lead cannot write any more, however
// long it was asleep. Calls block, so they belong on a thread that waits for nothing else: one
// thread at a time. What an error leaves is mostly not known; load() finds out, and until then
// nothing more is written. docs/state.md has the formats, and what is durable when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/types.h"

namespace murder::store {

// A record as it was appended. Numbers count records from 1 on, in the life of a state.
struct AuditLine {
  uint64_t number = 0;
  std::string line;

  bool operator==(const AuditLine&) const = default;
};

// What a store is opened for.
enum class Access : uint8_t {
  lead,  // to become the leader; makes what is not there
  look,  // only reads, beside a coordinator that runs; try_lead() is an error
};

class RecordStore {
 public:
  RecordStore() = default;
  RecordStore(const RecordStore&) = delete;
  RecordStore& operator=(const RecordStore&) = delete;
  virtual ~RecordStore() = default;

  // What it is, for people: "/var/lib/murder-tracker/state.db", "etcd (http://h1:2379, ...)".
  [[nodiscard]] virtual std::string name() const = 0;

  // --- leadership ---

  // True: this process leads. False: another one does, or nothing is known yet; ask again after a
  // second. `own_address` (HOST:PORT) is what others will read as leader_address(). Errors: a file
  // that another process has locked (conflict: says which), a store that cannot be opened or
  // reached, one that a newer version made.
  [[nodiscard]] Result<bool> try_lead(std::string_view own_address);
  // True: it leads on. False: the lead is lost; nothing may be told to anybody any more. An error:
  // the store could not be asked, and the lead holds for the moment.
  [[nodiscard]] Result<bool> keep_lead();
  // Of whoever leads, as far as it is known; empty when nobody does.
  [[nodiscard]] virtual std::string leader_address() = 0;
  // Gives the lead back, so that another may have it at once.
  void resign();
  [[nodiscard]] bool is_leading() const { return is_leading_; }

  // --- records; append and write_snapshot by the leader alone, after load() ---

  // The lines of the snapshot and of all records behind it, in their order.
  [[nodiscard]] Result<std::vector<std::string>> load();
  // All of them or none. They outlast a power cut once this returns.
  [[nodiscard]] Status append(std::span<const std::string> lines);
  // Stands for all records so far: load() begins with it. Those stay readable by read_audit(),
  // within limits::store_audit_*.
  [[nodiscard]] Status write_snapshot(std::span<const std::string> lines);
  // Whether load() would be worth a snapshot. After one that could not be written: later.
  [[nodiscard]] bool wants_snapshot() const;
  // Of the lines that load() gave, or a later write_snapshot() took.
  [[nodiscard]] uint64_t snapshot_line_count() const { return snapshot_lines_; }
  // The number of the last record; 0: none. Known after load().
  [[nodiscard]] uint64_t last_number() const { return last_number_; }

  // Records from this number on, ascending, at most `max` (and limits::store_audit_read_*). Less
  // than were asked for does not mean that there are no more; none at all does.
  [[nodiscard]] Result<std::vector<AuditLine>> read_audit(uint64_t from, size_t max);

  // --- torrents; written by the leader alone ---

  // What was there under this info hash is replaced.
  [[nodiscard]] Status put_torrent(const InfoHash& info_hash, std::span<const std::byte> content);
  // Error not_found: there is none.
  [[nodiscard]] virtual Result<std::vector<std::byte>> get_torrent(const InfoHash& info_hash) = 0;
  // One that is not there is no error.
  [[nodiscard]] Status remove_torrent(const InfoHash& info_hash);
  [[nodiscard]] virtual Result<std::vector<InfoHash>> list_torrents() = 0;  // ascending

 protected:
  // What load() found, beside the lines.
  struct Loaded {
    std::vector<std::string> lines;
    uint64_t snapshot_lines = 0;  // of `lines`, at their begin
    uint64_t last_number = 0;
  };

  virtual Result<bool> take_lead(std::string_view own_address) = 0;
  virtual Result<bool> renew_lead() = 0;
  virtual void give_lead_back() = 0;
  virtual Result<Loaded> read_all() = 0;
  // `last_number()` is the record before the first of these.
  virtual Status write_records(std::span<const std::string> lines) = 0;
  virtual Status replace_snapshot(std::span<const std::string> lines) = 0;
  virtual Result<std::vector<AuditLine>> read_records(uint64_t from, size_t max) = 0;
  virtual Status write_torrent(const InfoHash& info_hash, std::span<const std::byte> content) = 0;
  virtual Status erase_torrent(const InfoHash& info_hash) = 0;

  // After a write that failed: whether it is sure that nothing was written.
  [[nodiscard]] virtual bool is_as_before() const { return false; }

  // The store itself found out that the lead is gone.
  void lose_lead();

 private:
  [[nodiscard]] Status check_may_write() const;
  [[nodiscard]] Status check_lines(std::span<const std::string> lines) const;

  bool is_leading_ = false;
  bool is_loaded_ = false;
  uint64_t last_number_ = 0;
  uint64_t snapshot_lines_ = 0;
  uint64_t records_since_snapshot_ = 0;
  uint64_t snapshot_not_before_ = 0;  // so many records since the last one
};

}  // namespace murder::store
