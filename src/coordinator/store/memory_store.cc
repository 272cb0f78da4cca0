#include "coordinator/store/memory_store.h"

#include <algorithm>
#include <utility>

#include "coordinator/store/audit_trim.h"
#include "coordinator/store/bounds.h"
#include "coordinator/store/torrent_texts.h"

namespace murder::store {

Result<bool> MemoryStore::take_lead(std::string_view own_address) {
  own_address_ = own_address;
  return true;
}

Result<RecordStore::Loaded> MemoryStore::read_all() {
  Loaded loaded{.lines = snapshot_, .snapshot_lines = snapshot_.size(), .last_number = last()};
  for (uint64_t number = std::max(covered_ + 1, first_); number <= last(); ++number) {
    loaded.lines.push_back(records_[number - first_].line);
  }
  return loaded;
}

Status MemoryStore::write_records(std::span<const std::string> lines) {
  for (const std::string& line : lines) {
    end_bytes_ += line.size();
    records_.push_back({.line = line, .end_bytes = end_bytes_});
  }
  return {};
}

Status MemoryStore::replace_snapshot(std::span<const std::string> lines) {
  snapshot_.assign(lines.begin(), lines.end());
  covered_ = last();
  const Result<uint64_t> kept = first_kept(
      {.first = first_,
       .last = last(),
       .covered = covered_,
       .records_max = limits::store_audit_records_max,
       .bytes_max = limits::store_audit_bytes_max},
      [&](uint64_t number) -> Result<uint64_t> { return records_[number - first_].end_bytes; });
  while (first_ < *kept) {
    records_.pop_front();
    ++first_;
  }
  return {};
}

Result<std::vector<AuditLine>> MemoryStore::read_records(uint64_t from, size_t max) {
  std::vector<AuditLine> lines;
  size_t bytes = 0;
  for (uint64_t number = std::max(from, first_);
       number <= last() && lines.size() < max && bytes < limits::store_audit_read_bytes_max;
       ++number) {
    lines.push_back({.number = number, .line = records_[number - first_].line});
    bytes += lines.back().line.size();
  }
  return lines;
}

Status MemoryStore::write_torrent(const InfoHash& info_hash, std::span<const std::byte> content) {
  if (torrents_.size() >= limits::store_torrents_max && !torrents_.contains(info_hash)) {
    return fail(too_many_torrents(name()));
  }
  torrents_[info_hash].assign(content.begin(), content.end());
  return {};
}

Status MemoryStore::erase_torrent(const InfoHash& info_hash) {
  torrents_.erase(info_hash);
  return {};
}

Result<std::vector<std::byte>> MemoryStore::get_torrent(const InfoHash& info_hash) {
  const auto found = torrents_.find(info_hash);
  if (found == torrents_.end()) {
    return fail(no_such_torrent(name(), info_hash));
  }
  return found->second;
}

Result<std::vector<InfoHash>> MemoryStore::list_torrents() {
  std::vector<InfoHash> ids;
  for (const auto& [id, content] : torrents_) {
    ids.push_back(id);
  }
  return ids;
}

}  // namespace murder::store
