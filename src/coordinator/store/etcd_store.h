// A state that several coordinators share, in etcd (API v3, by its JSON gateway). One of them leads
// (etcd_lead.h); if it is gone, another does after limits::etcd_lease. Keys: etcd_log_text.h.
//
// An append is one transaction that compares the leader's key and the head of the log; what is too
// large for one is written behind the head first, where nobody reads it. An answer that was lost
// leaves open what took place: load() fences off what is on its way, and reads what is there. No
// old revision is ever read, so etcd may be compacted at any time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/store/etcd_blobs.h"
#include "coordinator/store/etcd_client.h"
#include "coordinator/store/etcd_lead.h"
#include "coordinator/store/etcd_log_text.h"
#include "coordinator/store/record_store.h"

namespace murder::store {

class EtcdStore : public RecordStore {
 public:
  // `keys.prefix` ends in '/'.
  EtcdStore(std::vector<std::string> endpoints, EtcdKeys keys, Access access);
  ~EtcdStore() override { lead_.give_back(); }

  // "HOST:PORT", "http://HOST:PORT,http://HOST:PORT/NAME"; what is behind the first "etcd:".
  [[nodiscard]] static Result<std::unique_ptr<RecordStore>> open(std::string_view spec,
                                                                 Access access);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::string leader_address() override;
  [[nodiscard]] Result<std::vector<std::byte>> get_torrent(const InfoHash& info_hash) override;
  [[nodiscard]] Result<std::vector<InfoHash>> list_torrents() override;

 protected:
  Result<bool> take_lead(std::string_view own_address) override;
  Result<bool> renew_lead() override;
  void give_lead_back() override { lead_.give_back(); }
  Result<Loaded> read_all() override;
  Status write_records(std::span<const std::string> lines) override;
  Status replace_snapshot(std::span<const std::string> lines) override;
  Result<std::vector<AuditLine>> read_records(uint64_t from, size_t max) override;
  Status write_torrent(const InfoHash& info_hash, std::span<const std::byte> content) override;
  Status erase_torrent(const InfoHash& info_hash) override;

 private:
  // A torrent's key, and what it says.
  struct NamedTorrent {
    uint64_t mod_revision = 0;  // 0: it is not there
    EtcdBlob blob;
  };

  [[nodiscard]] Error in_context(const Error& error) const;
  // What became of something that needs the lead, for RecordStore.
  [[nodiscard]] Status settle(const Status& done);
  [[nodiscard]] Status read_head();
  [[nodiscard]] Status commit_head(EtcdTransaction transaction, EtcdHead head);
  [[nodiscard]] Result<Loaded> read_whole();
  [[nodiscard]] Status read_log(uint64_t from, uint64_t last, std::vector<std::string>* lines);
  [[nodiscard]] Status remove_leftovers();
  [[nodiscard]] Status append_chunks(std::span<const std::string> lines);
  [[nodiscard]] Status put_snapshot(std::span<const std::string> lines);
  [[nodiscard]] Status trim_audit();
  [[nodiscard]] Result<uint64_t> first_chunk_for(uint64_t number);
  [[nodiscard]] Result<NamedTorrent> find_torrent(const InfoHash& info_hash);
  [[nodiscard]] Result<std::vector<EtcdValue>> read_torrent_keys();
  [[nodiscard]] std::string torrent_key(const InfoHash& info_hash) const;

  EtcdKeys keys_;
  Access access_;
  EtcdClient client_;
  EtcdLead lead_;
  EtcdBlobs blobs_;
  EtcdHead head_;
  uint64_t head_revision_ = 0;  // 0: there is no head
  bool has_cleaned_ = false;    // since it leads
  bool must_fence_ = false;     // something is on its way, perhaps
};

}  // namespace murder::store
