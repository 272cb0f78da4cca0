// etcd's servers as one: the same question goes to the next one where one does not answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coordinator/store/bounds.h"
#include "coordinator/store/etcd_text.h"
#include "engine/base/instant.h"
#include "engine/base/json.h"
#include "engine/base/result.h"

namespace murder::store {

// How long a call may take, and one attempt of it.
struct EtcdPatience {
  Duration attempt;
  Duration call;
};
inline constexpr EtcdPatience etcd_patience{.attempt = limits::etcd_attempt,
                                            .call = limits::etcd_call};
// For one who tries again itself.
inline constexpr EtcdPatience etcd_one_attempt{.attempt = limits::etcd_attempt,
                                               .call = limits::etcd_attempt};
// For calls that a lease waits for.
inline constexpr EtcdPatience etcd_lead_patience{.attempt = limits::etcd_lead_attempt,
                                                 .call = limits::etcd_lead_call};

// What another server, or the same one a little later, would answer otherwise: no leader, a leader
// that changes, a server that is cut off.
[[nodiscard]] bool is_worth_another_attempt(ErrorCode code);

// A call may be sent twice, and the first time may have its effect later than the second: whatever
// is not only read carries its comparisons, or does no harm twice. Owned by one thread; blocks.
class EtcdClient {
 public:
  // "http://HOST:PORT" each.
  explicit EtcdClient(std::vector<std::string> endpoints) : endpoints_(std::move(endpoints)) {}

  [[nodiscard]] Result<EtcdValues> range(const EtcdRange& range,
                                         EtcdPatience patience = etcd_patience);
  [[nodiscard]] Result<EtcdOutcome> commit(const EtcdTransaction& transaction,
                                           EtcdPatience patience = etcd_patience);
  [[nodiscard]] Result<uint64_t> grant_lease(Duration lease);
  // False: it has ended.
  [[nodiscard]] Result<bool> keep_lease(uint64_t id);
  void revoke_lease(uint64_t id);

  [[nodiscard]] const std::vector<std::string>& endpoints() const { return endpoints_; }

 private:
  [[nodiscard]] Result<Json> call(std::string_view path, const std::string& body,
                                  EtcdPatience patience);
  [[nodiscard]] Result<Json> ask(const std::string& url, const std::string& body, Duration within);

  std::vector<std::string> endpoints_;
  size_t current_ = 0;  // the one that answered last
};

}  // namespace murder::store
