// What is larger than a value of etcd, as numbered parts under one name that is used once.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/store/etcd_client.h"
#include "coordinator/store/etcd_lead.h"
#include "coordinator/store/etcd_log_text.h"

namespace murder::store {

// Parts that nothing names yet are leftovers: whoever writes a blob makes something name it next.
class EtcdBlobs {
 public:
  EtcdBlobs(EtcdClient& client, EtcdLead& lead, const EtcdKeys& keys)
      : client_(client), lead_(lead), keys_(keys) {}

  [[nodiscard]] Result<EtcdBlob> write(std::string_view content);
  // Error not_found: it was removed, by one who named another instead.
  [[nodiscard]] Result<std::string> read(const EtcdBlob& blob);
  [[nodiscard]] Status erase(const EtcdBlob& blob);
  // All but those with these ids, which ascend.
  [[nodiscard]] Status erase_others(std::span<const std::string> kept);

 private:
  EtcdClient& client_;
  EtcdLead& lead_;
  const EtcdKeys& keys_;
};

// 16 hexadecimal digits that nobody has used.
[[nodiscard]] Result<std::string> unused_id();

}  // namespace murder::store
