// Who leads, of the coordinators that share a state in etcd: whoever made the key `leader`, for as
// long as its lease is renewed.
//
// The lease says when another may follow; it does not keep a leader that slept from writing. That
// does the key's revision, which each write compares: it changes with every leader.
#pragma once

#include <string>
#include <string_view>

#include "coordinator/store/etcd_client.h"
#include "engine/base/instant.h"

namespace murder::store {

// Owned by the thread of its store. Without a lease when it ends: the store gives it back before.
class EtcdLead {
 public:
  EtcdLead(EtcdClient& client, std::string key) : client_(client), key_(std::move(key)) {}

  // True: it leads.
  [[nodiscard]] Result<bool> take(std::string_view own_address);
  // False: the lead is lost. An error: it holds for the moment.
  [[nodiscard]] Result<bool> renew();
  void give_back();
  // As renew() where it is time for it, in work that takes long.
  [[nodiscard]] Status renew_in_passing();
  // Whatever was sent before has no effect any more once this returns.
  [[nodiscard]] Status fence_off_earlier();

  // A transaction that takes place only while this leads, and does no harm if it takes place again
  // later. Error conflict: this does not lead any more.
  [[nodiscard]] Status write(EtcdTransaction transaction);
  // The same, together with the change of one key, which has this revision before (0: it is not
  // there). Returns the revision that it has then. Takes place once. An empty value: the key is
  // removed.
  [[nodiscard]] Result<uint64_t> write_with(EtcdTransaction transaction, std::string_view key,
                                            uint64_t mod_revision, std::string_view value);
  // The same, where the key must stay as it is.
  [[nodiscard]] Status write_while(EtcdTransaction transaction, std::string_view key,
                                   uint64_t mod_revision);

  [[nodiscard]] bool is_held() const { return revision_ != 0; }
  [[nodiscard]] const std::string& key() const { return key_; }
  // Of whoever leads, as it was last seen.
  [[nodiscard]] const std::string& holder_address() const { return holder_address_; }
  [[nodiscard]] Status look();  // for one that will not lead

 private:
  void note_holder(const EtcdValue& leader);
  [[nodiscard]] Result<bool> put_key();
  [[nodiscard]] bool is_ours(const EtcdValue& leader) const;
  [[nodiscard]] Error lose();
  [[nodiscard]] Result<EtcdOutcome> commit(EtcdTransaction& transaction);

  EtcdClient& client_;
  std::string key_;
  std::string own_value_;
  std::string holder_address_;
  uint64_t lease_ = 0;     // 0: none
  uint64_t revision_ = 0;  // of the key, as we wrote it; 0: it is not ours
  Instant renewed_at_{};
};

}  // namespace murder::store
