#include "coordinator/store/record_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/store/bounds.h"
#include "engine/base/ensure.h"
#include "engine/control/bounds.h"

namespace murder::store {

Result<bool> RecordStore::try_lead(std::string_view own_address) {
  if (own_address.size() > limits::store_address_bytes_max) {
    return fail(ErrorCode::limit, fmt::format("the coordinator's address is longer than {} bytes",
                                              limits::store_address_bytes_max));
  }
  if (is_leading_) {
    return keep_lead();
  }
  is_loaded_ = false;
  Result<bool> leads = take_lead(own_address);
  is_leading_ = leads.value_or(false);
  return leads;
}

Result<bool> RecordStore::keep_lead() {
  if (!is_leading_) {
    return false;
  }
  Result<bool> leads = renew_lead();
  if (!leads.value_or(true)) {
    lose_lead();
  }
  return leads;
}

void RecordStore::resign() {
  if (is_leading_) {
    lose_lead();
    give_lead_back();
  }
}

void RecordStore::lose_lead() {
  is_leading_ = false;
  is_loaded_ = false;
}

Result<std::vector<std::string>> RecordStore::load() {
  Result<Loaded> loaded = read_all();
  if (!loaded) {
    is_loaded_ = false;
    return fail(loaded.error());
  }
  ENSURE(loaded->snapshot_lines <= loaded->lines.size());
  last_number_ = loaded->last_number;
  snapshot_lines_ = loaded->snapshot_lines;
  records_since_snapshot_ = loaded->lines.size() - loaded->snapshot_lines;
  is_loaded_ = true;
  return std::move(loaded->lines);
}

Status RecordStore::check_may_write() const {
  if (!is_leading_) {
    return fail(ErrorCode::conflict,
                fmt::format("{}: this coordinator does not lead, so it writes nothing", name()));
  }
  if (!is_loaded_) {
    return fail(ErrorCode::conflict,
                fmt::format("{}: its records have to be read again before more are written "
                            "(something could not be written before)",
                            name()));
  }
  return {};
}

Status RecordStore::check_lines(std::span<const std::string> lines) const {
  for (const std::string& line : lines) {
    if (line.empty() || line.size() > limits::control_record_bytes_max ||
        line.find_first_of(std::string_view("\n\0", 2)) != std::string::npos) {
      return fail(ErrorCode::invalid_input, fmt::format("{}: a record is one line of 1 to {} bytes",
                                                        name(), limits::control_record_bytes_max));
    }
  }
  return check_may_write();
}

Status RecordStore::append(std::span<const std::string> lines) {
  Status done = check_lines(lines);
  if (!done || lines.empty()) {
    return done;
  }
  done = write_records(lines);
  if (!done) {
    is_loaded_ = is_loaded_ && is_as_before();
    return done;
  }
  last_number_ += lines.size();
  records_since_snapshot_ += lines.size();
  return {};
}

Status RecordStore::write_snapshot(std::span<const std::string> lines) {
  Status done = check_lines(lines);
  if (!done) {
    return done;
  }
  done = replace_snapshot(lines);
  if (!done) {
    is_loaded_ = is_loaded_ && is_as_before();
    snapshot_not_before_ = records_since_snapshot_ + limits::store_snapshot_records_min;
    return done;
  }
  snapshot_lines_ = lines.size();
  records_since_snapshot_ = snapshot_not_before_ = 0;
  return {};
}

bool RecordStore::wants_snapshot() const {
  return records_since_snapshot_ >=
         std::max({limits::store_snapshot_records_min, snapshot_lines_, snapshot_not_before_});
}

Result<std::vector<AuditLine>> RecordStore::read_audit(uint64_t from, size_t max) {
  if (max == 0) {
    return std::vector<AuditLine>{};
  }
  return read_records(std::max<uint64_t>(from, 1),
                      std::min(max, limits::store_audit_read_lines_max));
}

Status RecordStore::put_torrent(const InfoHash& info_hash, std::span<const std::byte> content) {
  if (content.empty() || content.size() > limits::store_torrent_bytes_max) {
    return fail(ErrorCode::limit, fmt::format("{}: a torrent has 1 to {} bytes, not {}", name(),
                                              limits::store_torrent_bytes_max, content.size()));
  }
  if (Status may = check_may_write(); !may) {
    return may;
  }
  return write_torrent(info_hash, content);
}

Status RecordStore::remove_torrent(const InfoHash& info_hash) {
  if (Status may = check_may_write(); !may) {
    return may;
  }
  return erase_torrent(info_hash);
}

}  // namespace murder::store
