// Carries the announcer's orders out over HTTP: one client per tracker. On the home thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/http/client.h"
#include "engine/io/reactor.h"
#include "engine/io/timers.h"
#include "engine/swarm/announcer.h"
#include "engine/trust/request_token.h"

namespace murder::node {

// What the client needs to know, and whom it tells.
class TrackerClientOwner {
 public:
  // All but the event and the tracker id, which the client fills in.
  [[nodiscard]] virtual codec::AnnounceRequest announce_request() = 0;
  // Where a tracker knows this host to stand, which did not say it.
  virtual void rack_told(const std::string& rack) = 0;
  virtual void peers_found(std::span<const codec::AnnouncePeer> peers) = 0;
  // A tracker stopped answering, or answers again: a line for people.
  virtual void tracker_changed(std::string line) = 0;

 protected:
  ~TrackerClientOwner() = default;
};

struct TrackerClientOptions {
  std::vector<std::string>
      urls;  // http:// and https:// announce URLs; others are said to be unsupported
  std::optional<IpAddress> bind_address;
  std::optional<trust::FleetKeys> fleet_keys;  // of closed trackers
  std::string pins;                            // keys of https trackers
  uint64_t seed = 1;
};

class TrackerClient final : public http::ClientObserver {
 public:
  TrackerClient(io::Reactor& reactor, TrackerClientOwner& owner,
                const TrackerClientOptions& options);
  TrackerClient(const TrackerClient&) = delete;
  TrackerClient& operator=(const TrackerClient&) = delete;

  void start() { pump(); }
  void completed();
  void want_peers();
  // A tracker that has not answered by then is not waited for: one that never did for half a
  // second, any for two.
  void stop();
  [[nodiscard]] bool stopped() const { return announcer_.stopped(); }

  // One line on how the trackers do, empty when all is well.
  [[nodiscard]] std::string trouble() const;
  // How many answered when they were last asked.
  [[nodiscard]] uint32_t working_count() const;

 private:
  void pump();
  void send(const swarm::Announcer::Order& order);
  void due(io::Timer& timer);
  void give_up(io::Timer& timer);
  void on_http_reply(http::Client& client, Result<http::Reply> reply) override;
  void failed(TrackerIndex tracker, std::string reason);
  [[nodiscard]] std::string refused_text(TrackerIndex tracker, const http::Reply& reply);
  [[nodiscard]] std::string about(TrackerIndex tracker, const std::string& reason) const;

  io::Reactor& reactor_;
  TrackerClientOwner& owner_;
  TrackerClientOptions options_;
  std::optional<trust::TokenKeys> tokens_;
  swarm::Announcer announcer_;
  std::vector<std::unique_ptr<http::Client>> clients_;
  struct Asked {
    std::string target;   // with its token
    int64_t ahead_s = 0;  // the tracker's clock, of this host's
  };
  std::vector<Asked> asked_;  // by tracker, of closed ones
  Instant stopped_at_;
  io::Timer timer_;
  io::Timer give_up_timer_;
};

}  // namespace murder::node
