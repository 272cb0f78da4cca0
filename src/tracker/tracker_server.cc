#include "tracker/tracker_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/open_files_limit.h"
#include "engine/base/random_word.h"
#include "engine/io/sockets.h"

namespace murder::tracker {

namespace {

// Descriptors for what is not a connection: ring, listeners, signals, control, standard streams.
constexpr uint32_t descriptors_reserved = 64 + limits::proofs_at_once_max;
constexpr uint32_t connections_min = 16;
constexpr uint32_t control_connections_max = 16;
// Two for a connection, and some for listeners, signals and wake-ups.
constexpr uint32_t operations_per_connection = 2;
constexpr uint32_t operations_reserved = 64;
// Within one reactor each server takes its buffers from a separate group.
constexpr uint16_t buffer_group_public = 0;
constexpr uint16_t buffer_group_control = 1;

constexpr Duration sweep_period = std::chrono::seconds(1);
// An eighth of the records each second: a dead peer is dropped within eight seconds.
constexpr uint32_t sweep_fraction = 8;
constexpr uint32_t sweep_records_min = 1000;
// For the answer to the request that asked to stop: it leaves at the end of the turn.
constexpr Duration stop_delay = std::chrono::milliseconds(2);

Result<uint32_t> choose_connections_max(uint32_t wanted) {
  const Result<uint64_t> open_files_max = raise_open_files_limit();
  if (!open_files_max) {
    return fail(open_files_max.error());
  }
  if (*open_files_max < descriptors_reserved + connections_min) {
    return fail(ErrorCode::limit,
                fmt::format("a tracker needs at least {} open files and may have {}: raise the "
                            "limit with `ulimit -n`",
                            descriptors_reserved + connections_min, *open_files_max));
  }
  return static_cast<uint32_t>(std::min<uint64_t>(wanted, *open_files_max - descriptors_reserved));
}

// Whether the IPv4 side of a listener on [::] is named by itself.
bool takes_v4_itself(const std::vector<Endpoint>& endpoints, uint16_t port) {
  return std::any_of(endpoints.begin(), endpoints.end(), [&](const Endpoint& other) {
    return port != 0 && other.port == port && other.address.is_v4() &&
           other.address.is_unspecified();
  });
}

Result<io::Fd> listen_on_one(const Endpoint& endpoint, const std::vector<Endpoint>& all) {
  const bool is_any_v6 = !endpoint.address.is_v4() && endpoint.address.is_unspecified();
  const io::ListenOptions options{.dual_stack = !(is_any_v6 && takes_v4_itself(all, endpoint.port)),
                                  .port_option = "--listen",
                                  .patience = io::port_patience};
  Result<io::Fd> listener = io::listen_tcp(endpoint, options);
  const bool lacks_v6 = !listener && listener.error().code == ErrorCode::network;
  if (lacks_v6 && is_any_v6 && options.dual_stack) {
    return io::listen_tcp({.address = *IpAddress::parse("0.0.0.0"), .port = endpoint.port},
                          options);
  }
  return listener;
}

}  // namespace

TrackerServer::TrackerServer(std::unique_ptr<io::Reactor> reactor, uint64_t random_seed,
                             const TrackerOptions& options)
    : reactor_(std::move(reactor)),
      table_({.hash_seed = random_seed,
              .swarms_max = options.tunables.releases_max,
              .peers_max = options.tunables.hosts_max,
              .proves = true,
              .racks = options.tunables.racks,
              .keeps_events = true}),
      service_(table_, {.started_at = reactor_->now(), .random_seed = random_seed + 1}),
      sweep_timer_(reactor_->timers(), callback<&TrackerServer::on_sweep>(this)),
      stop_timer_(reactor_->timers(), callback<&TrackerServer::on_stop>(this)),
      turn_hook_(callback<&TrackerServer::on_turn_end>(this)),
      reloads_(options.reloads),
      is_closed_(options.tunables.fleet_keys.has_value()),
      is_https_(options.tunables.certificate.has_value()),
      idle_max_(options.tunables.idle_max),
      idle_(sweep_period) {
  sweep_timer_.arm(reactor_->now() + sweep_period);
  reactor_->add_turn_hook(turn_hook_);
}

TrackerServer::~TrackerServer() {
  service_.show_counters_of(nullptr);
}

Result<std::unique_ptr<TrackerServer>> TrackerServer::create(const TrackerOptions& options) {
  const Result<uint32_t> connections_max = choose_connections_max(options.connections_max);
  if (!connections_max) {
    return fail(connections_max.error());
  }
  const Result<uint64_t> seed = random_word();
  if (!seed) {
    return fail(seed.error());
  }
  Result<std::unique_ptr<io::Reactor>> reactor = io::Reactor::create(
      {.operations_max = operations_reserved + Prober::operations_max +
                         operations_per_connection * (*connections_max + control_connections_max)});
  if (!reactor) {
    return fail(std::move(reactor.error()));
  }
  std::unique_ptr<TrackerServer> tracker(new TrackerServer(std::move(*reactor), *seed, options));
  tracker->idle_.begin(tracker->reactor_->now());
  tracker->connections_max_ = *connections_max;
  if (options.handle_signals) {
    auto signals = io::SignalSource::create(*tracker->reactor_, {SIGTERM, SIGINT, SIGHUP},
                                            callback<&TrackerServer::on_signal>(&*tracker));
    if (!signals) {
      return fail(std::move(signals.error()));
    }
    tracker->signals_ = std::move(*signals);
  }
  auto server = http::Server::create(
      *tracker->reactor_, tracker->service_,
      {.connections_max = *connections_max, .buffer_group = buffer_group_public});
  if (!server) {
    return fail(std::move(server.error()));
  }
  tracker->server_ = std::move(*server);
  if (options.tunables.certificate) {
    tracker->server_->use_certificate(*options.tunables.certificate);
  }
  tracker->prober_ = std::make_unique<Prober>(*tracker->reactor_, tracker->table_,
                                              tracker->service_.gate(), *seed + 2);
  tracker->set_keys(options.tunables.fleet_keys);
  if (options.takes_deploys_only) {
    tracker->service_.gate().close();
  }
  tracker->service_.show_counters_of(tracker->server_.get());
  if (Status status = tracker->listen_on(options.listen); !status) {
    return fail(std::move(status.error()));
  }
  return tracker;
}

Status TrackerServer::listen_on(const std::vector<Endpoint>& endpoints) {
  if (endpoints.empty()) {
    return fail(ErrorCode::invalid_input, "there is no address to listen on: give --listen");
  }
  // All or none: nothing is served before every address is taken.
  std::vector<io::Fd> listeners;
  for (const Endpoint& endpoint : endpoints) {
    Result<io::Fd> listener = listen_on_one(endpoint, endpoints);
    if (!listener) {
      return fail(std::move(listener.error()));
    }
    endpoints_.push_back(io::local_endpoint(listener->get()).value_or(endpoint));
    listeners.push_back(std::move(*listener));
  }
  for (io::Fd& listener : listeners) {
    server_->serve(listener.release());
  }
  return {};
}

Status TrackerServer::serve_control(int listening_fd, http::Handler& handler) {
  ENSURE(control_server_ == nullptr);
  io::Fd listener(listening_fd);
  auto server = http::Server::create(
      *reactor_, handler,
      {.connections_max = control_connections_max, .buffer_group = buffer_group_control});
  if (!server) {
    return fail(std::move(server.error()));
  }
  control_server_ = std::move(*server);
  control_server_->serve(listener.release());
  return {};
}

void TrackerServer::serve_control_instead(int listening_fd) {
  ENSURE(control_server_ != nullptr);
  control_server_->serve_instead(listening_fd);
}

void TrackerServer::run() {
  reactor_->run();
  tell_events();
}

void TrackerServer::stop() {
  if (!stop_timer_.armed()) {
    stop_timer_.arm(reactor_->now() + stop_delay);
  }
}

Status TrackerServer::add_deploy_key(std::string_view deploy, const trust::Secret& key) {
  return service_.gate().deploys().add(deploy, key, reactor_->now());
}

void TrackerServer::remove_deploy_key(std::string_view deploy) {
  service_.gate().deploys().remove(deploy);
}

std::string TrackerServer::status_json() const {
  return service_.status_json(reactor_->now());
}

std::string TrackerServer::metrics() const {
  return service_.metrics(reactor_->now());
}

// What a turn answered is handed to the kernel right after it.
void TrackerServer::on_turn_end(io::TurnHook&) {
  if (service_.has_answered()) {
    const Instant end = monotonic_now();
    service_.answers_leave(end - reactor_->now());
  }
}

void TrackerServer::on_signal(int signal_number) {
  if (signal_number == SIGHUP && reloads_ && owner_ != nullptr) {
    owner_->reload_requested();
  } else {
    reactor_->stop();
  }
}

void TrackerServer::change(TrackerTunables tunables) {
  table_.set_racks(std::move(tunables.racks));
  table_.set_bounds(tunables.releases_max, tunables.hosts_max);
  idle_max_ = tunables.idle_max;
  set_keys(tunables.fleet_keys);
  if (is_https_ && tunables.certificate) {
    server_->use_certificate(std::move(*tunables.certificate));
  }
}

void TrackerServer::end_when_idle(Duration idle_max) {
  idle_max_ = idle_max_ > Duration::zero() ? std::min(idle_max_, idle_max) : idle_max;
}

// What was closed stays closed.
void TrackerServer::set_keys(const std::optional<trust::FleetKeys>& keys) {
  if (is_closed_ && keys) {
    service_.gate().set_keys(*keys);
  }
}

void TrackerServer::tell_events() {
  const EventLog::Taken taken = table_.take_events();
  if (owner_ == nullptr) {
    return;
  }
  for (const TrackerEvent& event : taken.events) {
    owner_->happened(event);
  }
  if (taken.dropped_count > 0) {
    owner_->events_dropped(taken.dropped_count);
  }
}

void TrackerServer::on_stop(io::Timer&) {
  reactor_->stop();
}

void TrackerServer::on_sweep(io::Timer& timer) {
  table_.sweep(reactor_->now(),
               std::max(sweep_records_min, table_.record_count() / sweep_fraction));
  tell_events();
  if (is_idle_for_long()) {
    reactor_->stop();
    return;
  }
  timer.arm(reactor_->now() + sweep_period);
}

bool TrackerServer::is_idle_for_long() {
  const uint64_t requests = server_->counters().requests;
  idle_.look(table_.record_count() > 0 || requests != requests_seen_, reactor_->now());
  requests_seen_ = requests;
  return idle_max_ > Duration::zero() && idle_.lasted() >= idle_max_;
}

}  // namespace murder::tracker
