// stub until engineer state's header lands
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include "engine/base/result.h"
#include "engine/base/types.h"
namespace murder::coordinator {
struct AuditLine { uint64_t number = 0; std::string line; };
class RecordStore {
 public:
  virtual ~RecordStore() = default;
  virtual Result<std::vector<std::string>> load() = 0;
  virtual Status append(std::span<const std::string> lines) = 0;
  virtual Status write_snapshot(std::span<const std::string> lines) = 0;
  virtual Result<std::vector<AuditLine>> read_audit(uint64_t from, size_t max) = 0;
  virtual Status put_torrent(const InfoHash&, std::span<const std::byte>) = 0;
  virtual Result<std::vector<std::byte>> get_torrent(const InfoHash&) = 0;
  virtual Result<bool> try_lead(std::string_view own_address) = 0;
  virtual Result<bool> keep_lead() = 0;
  virtual std::string leader_address() = 0;
};
Result<std::unique_ptr<RecordStore>> open_store(std::string_view spec);
}
