// A store that ends with its process: for tests, and for `--state memory:`. Always leads.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "coordinator/store/record_store.h"

namespace murder::store {

class MemoryStore : public RecordStore {
 public:
  [[nodiscard]] std::string name() const override { return "memory"; }
  [[nodiscard]] std::string leader_address() override { return own_address_; }
  [[nodiscard]] Result<std::vector<std::byte>> get_torrent(const InfoHash& info_hash) override;
  [[nodiscard]] Result<std::vector<InfoHash>> list_torrents() override;

 protected:
  Result<bool> take_lead(std::string_view own_address) override;
  Result<bool> renew_lead() override { return true; }
  void give_lead_back() override { own_address_.clear(); }
  Result<Loaded> read_all() override;
  Status write_records(std::span<const std::string> lines) override;
  Status replace_snapshot(std::span<const std::string> lines) override;
  Result<std::vector<AuditLine>> read_records(uint64_t from, size_t max) override;
  Status write_torrent(const InfoHash& info_hash, std::span<const std::byte> content) override;
  Status erase_torrent(const InfoHash& info_hash) override;

 private:
  struct Kept {
    std::string line;
    uint64_t end_bytes = 0;  // of all lines so far
  };

  [[nodiscard]] uint64_t last() const { return first_ + records_.size() - 1; }

  std::string own_address_;
  std::vector<std::string> snapshot_;
  uint64_t covered_ = 0;  // the last record that the snapshot stands for
  uint64_t first_ = 1;    // number of the first of records_
  uint64_t end_bytes_ = 0;
  std::deque<Kept> records_;
  std::map<InfoHash, std::vector<std::byte>> torrents_;
};

}  // namespace murder::store
