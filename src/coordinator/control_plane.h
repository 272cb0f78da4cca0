// The coordinator in the tracker's process: what is below /control/ on the tracker's port.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "coordinator/agent_links.h"
#include "coordinator/audit_reader.h"
#include "coordinator/deploy_lease.h"
#include "coordinator/operator_desk.h"
#include "coordinator/order_tokens.h"
#include "coordinator/permission.h"
#include "coordinator/release_copies.h"
#include "coordinator/stage_times.h"
#include "coordinator/torrent_shelf.h"
#include "coordinator/turn_loop.h"
#include "engine/http/server.h"
#include "engine/io/reactor.h"
#include "engine/trust/fleet_key.h"

namespace murder::coordinator {

struct ControlPlaneOptions {
  std::string own_address;  // where agents and operators reach this coordinator: "t1:8998"
  uint32_t agents_max = 0;  // connected at the same time
  std::optional<trust::FleetKeys> fleet_keys;  // nothing: an open one
  bool orders_from_anywhere = false;           // of an open one
  trust::Enrolment enrol;
  std::optional<CopiesOptions> copies;  // nothing: it keeps no copies of releases
  // Of a deploy: it ends when nobody on its host asked it for so long. Zero: never.
  Duration deploy_lease{};
  bool state_lasts = false;  // another process may have worked with it a moment ago
};

// Who runs it.
class ControlPlaneOwner {
 public:
  // On the disk now.
  virtual void recorded(const control::Coordinator& machine, const control::Record& record) = 0;
  virtual void warn(const std::string& text) = 0;
  // Nobody renewed its lease, and the agents of the deploy were told: its process is to end.
  virtual void lease_ended() = 0;

 protected:
  ~ControlPlaneOwner() = default;
};

// On the thread of the reactor and its server, which outlive it, as the owner does. It must be
// taken away from who calls handle() before it is destroyed; the destructor closes the agents'
// connections, waits for what the store is doing, and turns the reactor meanwhile.
class ControlPlane final : public http::Handler,
                           private TurnOwner,
                           private AgentLinksOwner,
                           private CopySource,
                           private FactsSource {
 public:
  // Errors: no memory for buffers, no thread.
  [[nodiscard]] static Result<std::unique_ptr<ControlPlane>> create(
      io::Reactor& reactor, http::Server& server, std::unique_ptr<store::RecordStore> store,
      ControlPlaneOwner& owner, const ControlPlaneOptions& options);
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;
  ~ControlPlane() override;

  http::Response handle(const http::Request& request, Instant now) override;
  http::LargeBody admit_large_body(const http::Request& head) override;
  void take_over(http::TakenSocket socket, const http::Request& request,
                 std::span<const uint8_t> early) override;

  // The keys were read again. What was closed stays closed; links that are there stay as they are.
  void set_keys(const trust::FleetKeys& keys);
  // What its copies of releases are started with changed.
  void use_copy_arguments(std::vector<std::string> arguments) {
    if (copies_ != nullptr) {
      copies_->use_arguments(std::move(arguments));
    }
  }
  [[nodiscard]] bool leads() const { return loop_.leads(); }
  // For /metrics, of what is on the disk.
  [[nodiscard]] std::string metrics();
  [[nodiscard]] uint32_t connected_count() const { return links_->count(); }

 private:
  ControlPlane(io::Reactor& reactor, http::Server& server, ControlPlaneOwner& owner,
               const ControlPlaneOptions& options);

  [[nodiscard]] Permission permission(const http::Request& request, Access access) const;
  [[nodiscard]] http::Response show_right(const http::Request& request) const;
  http::Response connect_agent(const http::Request& request);
  http::Response take_request(const http::Request& request, OperatorRequest parsed,
                              const std::string& proof, bool is_order);
  http::Response publish(const http::Request& request, WaitingRequest waiting);
  void torrent_stored(TorrentPut reply);
  void torrent_read(TorrentGot reply);
  void note_size(const InfoHash& info_hash, uint64_t total_bytes);
  void choose_copies(const control::State& state);
  void ask_for_copy(const InfoHash& info_hash);
  void check_copies(io::Timer& timer);
  http::Response end_deploy(const OperatorRequest& request);
  void check_lease(io::Timer& timer);

  Inputs put_in(control::Coordinator& machine, control::Moment moment) override;
  void settled(const control::Coordinator& machine,
               std::span<const control::Record> records) override;
  void tell(const control::Coordinator& machine, control::AgentIndex agent) override;
  void machine_began(const control::Coordinator& machine) override;
  void machine_lost(const Error& why) override;
  void follows(const std::string& leader) override;
  void store_replied(StoreReply reply) override;
  void warn(const std::string& text) override;

  void reports_wait() override { loop_.wake(); }
  void wants_telling(control::AgentIndex agent) override { loop_.tell_again(agent); }
  void link_ended() override { server_.give_place_back(); }

  [[nodiscard]] CopyState copy_of(const InfoHash& info_hash) const override;
  [[nodiscard]] const control::Facts* facts_of(control::AgentIndex agent) const override {
    return links_->facts_of(agent);
  }
  void wake() { loop_.wake(); }

  io::Reactor& reactor_;
  http::Server& server_;
  ControlPlaneOwner& owner_;
  const bool orders_from_anywhere_;
  std::optional<trust::TokenKeys> keys_;
  trust::KeyPair fleet_;  // where keys_ are
  OrderTokens order_tokens_;
  bool has_followed_ = false;  // another one has led since this one did
  trust::Approvals approvals_;
  std::optional<HostKeys> host_keys_;  // where agents are enrolled by them
  TurnLoop loop_;
  std::unique_ptr<StoreThread> store_;
  std::unique_ptr<AgentLinks> links_;
  std::optional<TorrentShelf> torrents_;
  std::optional<AuditReaders> audit_;
  OperatorDesk desk_;
  std::unique_ptr<ReleaseCopies> copies_;  // nullptr: none are kept
  io::Timer copies_timer_;
  std::optional<DeployLease> lease_;  // of a deploy's
  bool has_ended_ = false;            // that deploy
  io::Timer lease_timer_;
  std::unordered_map<InfoHash, uint64_t, Id20Hash> total_bytes_;  // of releases
  StageTimes stage_times_;
  std::string metrics_;  // while something is being decided
  bool must_choose_copies_ = false;
  std::deque<InfoHash> copies_asked_for_;  // by who published the same again, the latest last
  std::deque<WaitingRequest> publishing_;  // whose torrents are being stored, in that order
};

}  // namespace murder::coordinator
