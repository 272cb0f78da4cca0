// A coordinator's state in one SQLite file of this machine.
//
// The log of SQLite (WAL) with synchronous=FULL: a turn costs one fdatasync of one file instead of
// four of three, and whoever reads (an audit, a backup) holds no turn up. FULL, not NORMAL, which
// would not sync a commit. A commit that was cut off is found by its checksum and left out whole.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coordinator/store/record_store.h"
#include "coordinator/store/sqlite_database.h"
#include "coordinator/store/state_file.h"

namespace murder::store {

class SqliteStore : public RecordStore {
 public:
  // Nothing is opened before it is needed.
  SqliteStore(std::string file, Access access) : file_(std::move(file)), access_(access) {}

  [[nodiscard]] std::string name() const override { return file_; }
  [[nodiscard]] std::string leader_address() override;
  [[nodiscard]] Result<std::vector<std::byte>> get_torrent(const InfoHash& info_hash) override;
  [[nodiscard]] Result<std::vector<InfoHash>> list_torrents() override;

 protected:
  Result<bool> take_lead(std::string_view own_address) override;
  Result<bool> renew_lead() override { return lock_.is_in_place(); }
  void give_lead_back() override;
  Result<Loaded> read_all() override;
  Status write_records(std::span<const std::string> lines) override;
  Status replace_snapshot(std::span<const std::string> lines) override;
  Result<std::vector<AuditLine>> read_records(uint64_t from, size_t max) override;
  Status write_torrent(const InfoHash& info_hash, std::span<const std::byte> content) override;
  Status erase_torrent(const InfoHash& info_hash) override;
  [[nodiscard]] bool is_as_before() const override { return !database_.has_failed(); }

 private:
  [[nodiscard]] Status open_to_write();
  [[nodiscard]] Status open_to_look();
  [[nodiscard]] Status ensure_open();
  [[nodiscard]] Status trim_audit();
  // As it is after an error: what the file has is known again once this returns.
  [[nodiscard]] Status begin_again();

  std::string file_;
  Access access_;
  StateLock lock_;
  SqliteDatabase database_;
  uint64_t end_bytes_ = 0;  // of all records
  bool must_begin_again_ = false;
};

}  // namespace murder::store
