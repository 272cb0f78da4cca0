// Requests to etcd's JSON gateway and its replies as text (API v3; keys and values are in base64,
// 64-bit numbers are strings). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/json_writer.h"
#include "engine/base/result.h"

namespace murder::store {

struct EtcdValue {
  std::string key;
  std::string value;
  uint64_t mod_revision = 0;
  uint64_t lease = 0;
};

struct EtcdRange {
  std::string_view from;
  std::string_view end = {};  // not included; empty: the key alone
  uint64_t limit = 0;         // 0: all
  bool keys_only = false;
  bool count_only = false;
};

struct EtcdValues {
  std::vector<EtcdValue> values;
  uint64_t count = 0;  // in the range, whatever the limit is
  bool has_more = false;
};

// The key behind all that begin with this one.
[[nodiscard]] std::string end_of_prefix(std::string prefix);

[[nodiscard]] std::string text_of(const EtcdRange& range);
[[nodiscard]] Result<EtcdValues> read_range(const Json& reply);

// All operations or, where a comparison fails, none; then the values of `otherwise` are read.
class EtcdTransaction {
 public:
  // 0: there is no such key.
  void require_revision(std::string_view key, uint64_t mod_revision);
  void put(std::string_view key, std::string_view value, uint64_t lease = 0);
  void erase(std::string_view key, std::string_view end = {});
  void otherwise_read(std::string_view key);

  [[nodiscard]] size_t operation_count() const { return operation_count_; }
  [[nodiscard]] std::string text() const;

 private:
  std::string compare_, success_, failure_;  // members of arrays
  size_t operation_count_ = 0;
};

struct EtcdOutcome {
  bool succeeded = false;
  uint64_t revision = 0;  // of the store, now
  std::vector<EtcdValue>
      instead;  // what otherwise_read() found, in its order; what is not there is
                // missing
};

[[nodiscard]] Result<EtcdOutcome> read_outcome(const Json& reply);

[[nodiscard]] std::string text_of_lease_grant(uint64_t seconds);
[[nodiscard]] std::string text_of_lease(uint64_t id);  // keepalive, revoke
// The id of a lease that was granted. 0: none was.
[[nodiscard]] uint64_t read_lease_id(const Json& reply);
// Whether a lease that was to be kept is there.
[[nodiscard]] bool read_lease_is_kept(const Json& reply);

// What a reply that is not 200 says.
[[nodiscard]] std::string read_error_text(std::string_view body);

}  // namespace murder::store
