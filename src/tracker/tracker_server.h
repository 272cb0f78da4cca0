// A whole tracker: reactor, HTTP server, peer table, and the timer that sweeps it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/quiet_time.h"
#include "engine/base/result.h"
#include "engine/http/bounds.h"
#include "engine/http/server.h"
#include "engine/io/reactor.h"
#include "engine/io/signal_source.h"
#include "engine/io/timers.h"
#include "engine/tls/server_context.h"
#include "engine/trust/fleet_key.h"
#include "tracker/peer_table.h"
#include "tracker/service.h"
#include "tracker/service_prober.h"

namespace murder::tracker {

inline constexpr uint16_t port_default = 8998;

// The owner of a tracker. Called on the thread of run().
class TrackerOwner {
 public:
  virtual ~TrackerOwner() = default;
  // SIGHUP. May call TrackerServer::change().
  virtual void reload_requested() = 0;
  virtual void happened(const TrackerEvent& event) = 0;
  // There were more events than are kept for a second.
  virtual void events_dropped(uint64_t count) = 0;
};

// What may change while a tracker runs.
struct TrackerTunables {
  RackTable racks;  // of hosts that do not say where they stand
  uint32_t hosts_max = limits::tracker_peers_max;
  uint32_t releases_max = limits::tracker_swarms_max;
  // run() returns when nobody was known and nobody asked for this long; zero: it never does.
  Duration idle_max{};
  // Of a closed tracker; nothing: an open one. Whether it is closed does not change.
  std::optional<trust::FleetKeys> fleet_keys;
  // It is reached by https, if there is one. Whether it is does not change.
  std::optional<tls::ServerContext> certificate = {};
};

struct TrackerOptions {
  // 0.0.0.0 takes IPv4. [::] takes both families; IPv6 alone when 0.0.0.0 is named beside it, IPv4
  // alone on a host without IPv6. Port 0: any free one, see endpoints().
  std::vector<Endpoint> listen = {Endpoint::parse("[::]:8998").value()};
  // Lowered to what the limit on open files allows.
  uint32_t connections_max = limits::http_connections_max;
  TrackerTunables tunables;
  bool handle_signals = true;  // SIGTERM, SIGINT and SIGHUP end run()
  bool reloads = false;        // SIGHUP does not, but asks the owner to read its configuration
  // Who has no key is refused, also where there is none of a fleet.
  bool takes_deploys_only = false;
};

// Lives on the thread that calls run(), which may not be within one of its handlers' calls.
//
//   create(): listening, connections wait; then run(): serves until stop() or a signal
//
// Keeps all state in memory: after a restart the peers announce themselves again.
class TrackerServer {
 public:
  // Raises the soft limit on open files to the hard one. Errors: a port is taken or not permitted,
  // no io_uring.
  [[nodiscard]] static Result<std::unique_ptr<TrackerServer>> create(const TrackerOptions& options);
  TrackerServer(const TrackerServer&) = delete;
  TrackerServer& operator=(const TrackerServer&) = delete;
  ~TrackerServer();

  // Serves a further listening socket (the control socket of this process) through `handler`, which
  // outlives this object. Takes the socket over. At most once, before run().
  [[nodiscard]] Status serve_control(int listening_fd, http::Handler& handler);
  // After serve_control(): this socket takes the place of that one, whose name was removed.
  void serve_control_instead(int listening_fd);
  // For timers of who runs this tracker.
  [[nodiscard]] io::Reactor& reactor() { return *reactor_; }
  // Has the requests below /control/ answered by `coordinator`, which outlives run(); nullptr: by
  // nobody any more. Connections that it takes over are among `connections_max`.
  void set_coordinator(http::Handler* coordinator) { service_.set_coordinator(coordinator); }
  // /metrics shows this as well; nothing: no more.
  void show_metrics_of(Callback<std::string()> more) { service_.show_metrics_of(more); }
  [[nodiscard]] http::Server& public_server() { return *server_; }
  [[nodiscard]] uint32_t connections_max() const { return connections_max_; }

  // Serves until stop(), a signal, or TrackerOptions::idle_max.
  void run();
  // From the thread of run(), for example within a control handler: run() returns a moment later,
  // when the answer to that request is on its way.
  void stop();

  // Told of events from now on; before run(). Outlives this object.
  void set_owner(TrackerOwner& owner) { owner_ = &owner; }
  void change(TrackerTunables tunables);
  // run() returns when nobody was known and nobody asked for this long, or for idle_max where that
  // is less.
  void end_when_idle(Duration idle_max);
  // A deploy deals with its own releases by this key (DeployKeys), until it is removed.
  [[nodiscard]] Status add_deploy_key(std::string_view deploy, const trust::Secret& key);
  void remove_deploy_key(std::string_view deploy);

  // Where it listens, with the ports that were chosen.
  [[nodiscard]] const std::vector<Endpoint>& endpoints() const { return endpoints_; }
  [[nodiscard]] bool is_https() const { return is_https_; }
  // One JSON object: see Service.
  [[nodiscard]] std::string status_json() const;
  // As /metrics shows them.
  [[nodiscard]] std::string metrics() const;
  [[nodiscard]] const PeerTable& table() const { return table_; }

 private:
  TrackerServer(std::unique_ptr<io::Reactor> reactor, uint64_t random_seed,
                const TrackerOptions& options);
  Status listen_on(const std::vector<Endpoint>& endpoints);
  void on_signal(int signal_number);
  void on_sweep(io::Timer& timer);
  void on_stop(io::Timer& timer);
  void on_turn_end(io::TurnHook& hook);
  void tell_events();
  void set_keys(const std::optional<trust::FleetKeys>& keys);
  [[nodiscard]] bool is_idle_for_long();

  std::unique_ptr<io::Reactor> reactor_;
  PeerTable table_;
  Service service_;
  std::vector<Endpoint> endpoints_;
  std::unique_ptr<io::SignalSource> signals_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Server> control_server_;
  std::unique_ptr<Prober> prober_;
  io::Timer sweep_timer_;
  io::Timer stop_timer_;
  io::TurnHook turn_hook_;
  TrackerOwner* owner_ = nullptr;
  uint32_t connections_max_ = 0;
  bool reloads_ = false;
  const bool is_closed_;
  const bool is_https_;
  Duration idle_max_{};
  QuietTime idle_;
  uint64_t requests_seen_ = 0;
};

}  // namespace murder::tracker
