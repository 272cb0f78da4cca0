#include "engine/host/swarm_process.h"

#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "engine/base/units.h"

namespace murder::host {
namespace {

constexpr Duration progress_interval = std::chrono::milliseconds(200);
constexpr Duration lock_pause = std::chrono::milliseconds(100);
constexpr int lock_attempts_max = 20;

std::string_view phase_name(node::NodePhase phase) {
  switch (phase) {
    case node::NodePhase::verifying:
      return "verifying";
    case node::NodePhase::fetching:
      return "downloading";
    case node::NodePhase::serving:
      return "seeding";
    case node::NodePhase::stopping:
    case node::NodePhase::stopped:
      return "stopping";
  }
  return "";
}

int64_t seconds_since_1970() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Of a process that has no node; nothing was transferred.
PeerMetrics metrics_without_node(const TorrentInput& torrent, const SwarmProcessOptions& options,
                                 const StageClock& stages) {
  return {.role = options.kind,
          .tag = options.tag,
          .info_hash = torrent.info_hash.hex(),
          .stages = stages,
          .failure = {},
          .progress = {},
          .geometry = torrent.metainfo.geometry,
          .tracker_count = static_cast<uint32_t>(node::tracker_urls(torrent.metainfo).size()),
          .started_at_s = seconds_since_1970(),
          .written_at_s = seconds_since_1970()};
}

std::string code_of(const Error& error) {
  return text_member(json_of_error(error)["error"], "code");
}

}  // namespace

Status write_metrics_of_failure(const TorrentInput& torrent, const SwarmProcessOptions& options,
                                const Error& error) {
  if (options.metrics_path.empty()) {
    return {};
  }
  StageClock stages;
  stages.enter("failed", Instant{});
  const std::string failure = code_of(error);
  PeerMetrics metrics = metrics_without_node(torrent, options, stages);
  metrics.failure = failure;
  return write_metrics_file(options.metrics_path, render_peer_metrics(metrics));
}

Status write_metrics_of_placed(const TorrentInput& torrent, const SwarmProcessOptions& options) {
  if (options.metrics_path.empty()) {
    return {};
  }
  StageClock stages;
  stages.enter("done", Instant{});
  PeerMetrics metrics = metrics_without_node(torrent, options, stages);
  metrics.progress.have_bytes = metrics.geometry.total_bytes;
  metrics.progress.resumed_bytes = metrics.geometry.total_bytes;
  metrics.tracker_count = 0;  // it announces to none
  return write_metrics_file(options.metrics_path, render_peer_metrics(metrics));
}

SwarmProcess::SwarmProcess(const TorrentInput& torrent, SwarmProcessOptions options, Parent& parent)
    : torrent_(torrent), options_(std::move(options)), parent_(parent) {}

SwarmProcess::~SwarmProcess() {
  metrics_.reset();
  control_keeper_.reset();  // it would renew the socket of a server that is gone
  control_server_.reset();
  if (parent_poll_ != nullptr) {
    reactor_->cancel_and_wait(*parent_poll_);
  }
}

Status SwarmProcess::start() {
  auto socket = ControlSocket::create(options_.run_directory);
  if (!socket) {
    return fail(socket.error());
  }
  if (Status going = starting(socket->name()); !going) {
    return going;
  }
  auto reactor = io::Reactor::create({});
  if (!reactor) {
    return fail(reactor.error());
  }
  reactor_ = std::move(*reactor);
  auto signals = io::SignalSource::create(*reactor_, {SIGINT, SIGTERM, SIGHUP},
                                          callback<&SwarmProcess::signalled>(this));
  if (!signals) {
    return fail(signals.error());
  }
  signals_ = std::move(*signals);
  control_keeper_ =
      std::make_unique<ControlKeeper>(*reactor_, options_.run_directory, std::move(*socket),
                                      callback<&SwarmProcess::serve_control_instead>(this));
  auto server = http::Server::create(*reactor_, control_handler_, {.connections_max = 32});
  if (!server) {
    return fail(server.error());
  }
  control_server_ = std::move(*server);
  control_server_->serve(control_keeper_->release_fd());
  if (parent_.hangup_fd() >= 0) {
    parent_poll_ = std::make_unique<io::Operation>(callback<&SwarmProcess::parent_gone>(this));
    reactor_->poll(*parent_poll_, parent_.hangup_fd(), POLLIN | POLLHUP | POLLRDHUP);
  }
  service_ = std::make_unique<ServiceLink>(*reactor_, callback<&SwarmProcess::service_state>(this),
                                           callback<&SwarmProcess::longest_silence>(this));
  progress_timer_ =
      std::make_unique<io::Timer>(reactor_->timers(), callback<&SwarmProcess::tell_progress>(this));
  progress_timer_->arm(reactor_->now());
  started_at_s_ = seconds_since_1970();
  if (!options_.metrics_path.empty()) {
    metrics_ = std::make_unique<MetricsKeeper>(*reactor_, options_.metrics_path,
                                               callback<&SwarmProcess::metrics>(this), parent_);
  }
  return create_node();
}

Duration SwarmProcess::longest_silence() const {
  return node_ == nullptr ? Duration::zero() : node_->longest_silence();
}

// Its name was lost: there is a server by then.
void SwarmProcess::serve_control_instead(int listening_fd) {
  control_server_->serve_instead(listening_fd);
}

// A process that was killed may hold the lock on the archive for a moment longer.
Status SwarmProcess::create_node() {
  has_tried_node_ = true;
  for (int attempt = 1;; ++attempt) {
    auto made = node::Node::create(*reactor_, torrent_.metainfo, options_.node, *this);
    if (made) {
      node_ = std::move(*made);
      return {};
    }
    if (made.error().code != ErrorCode::conflict || attempt == lock_attempts_max) {
      return fail(made.error());
    }
    std::this_thread::sleep_for(lock_pause);
  }
}

Status SwarmProcess::run() {
  if (const Status started = start(); !started) {
    result_ = fail(started.error());
  } else {
    reactor_->run();
  }
  write_last_metrics();
  return result_;
}

// --- end -----------------------------------------------------------------------------------------

void SwarmProcess::end(Status result) {
  if (ending_) {
    return;
  }
  ending_ = true;
  result_ = std::move(result);
  if (service_ != nullptr) {
    service_->stopping();
    report_service(ServiceEventKind::stopping,
                   result_ ? std::string("stops") : "stops: " + result_.error().text);
  }
  stopping();
  if (node_ != nullptr) {
    node_->stop();
  }
  leave_if_done();
}

void SwarmProcess::leave_if_done() {
  if (ending_ && (node_ == nullptr || node_stopped_) && own_work_done()) {
    reactor_->stop();
  }
}

Error SwarmProcess::interrupted() const {
  if (verified_bytes() == 0) {
    return {.code = ErrorCode::interrupted, .text = "interrupted before a piece was verified"};
  }
  return {.code = ErrorCode::interrupted,
          .text = fmt::format(
              "interrupted; what was verified is kept in {}, the same command continues from there",
              options_.node.path)};
}

void SwarmProcess::request_stop() {
  const bool failed = options_.kind == kind_peer && !finished_;
  end(failed ? Status(fail(interrupted())) : Status());
}

void SwarmProcess::signalled(int) {
  request_stop();
}

void SwarmProcess::parent_gone(io::Operation&, int32_t, uint32_t) {
  if (!finished_) {
    request_stop();
  }
}

void SwarmProcess::node_failed(const Error& error) {
  end(fail(error));
}

void SwarmProcess::node_stopped() {
  node_stopped_ = true;
  leave_if_done();
}

// --- telling -------------------------------------------------------------------------------------

void SwarmProcess::node_ready() {
  note_stage();
  service_->ready();
  report_service(ServiceEventKind::started, "on " + node_->progress().listens_on.text());
  ready();
}
void SwarmProcess::node_complete() {
  complete();
  note_stage();
}
void SwarmProcess::node_notice(const std::string& line) {
  parent_.note(line);
}

void SwarmProcess::finish(const FinalReport& report) {
  note_stage();
  finished_ = true;
  parent_.finish(report);
}

void SwarmProcess::tell_progress(io::Timer& timer) {
  stages_.enter(phase(), reactor_->now());
  if (!finished_ && node_ != nullptr) {
    if (const std::optional<Progress> own = own_progress()) {
      parent_.progress(*own);
    } else {
      const node::NodeProgress now = node_->progress();
      const bool verifying = now.phase == node::NodePhase::verifying;
      parent_.progress({.phase = std::string(phase_name(now.phase)),
                        .done_bytes = verifying ? now.verified_bytes : now.have_bytes,
                        .total_bytes = now.total_bytes,
                        .peers = verifying ? std::nullopt : std::optional(now.stats.open_count)});
    }
  }
  timer.arm(reactor_->now() + progress_interval);
}

std::string SwarmProcess::service_state() const {
  if (node_ == nullptr) {
    return fmt::format("{}: starting", options_.tag);
  }
  const node::NodeProgress now = node_->progress();
  return fmt::format("{}: {}, {} of {} there, {} peers, {} sent", options_.tag,
                     phase_name(now.phase), format_size(now.have_bytes),
                     format_size(now.total_bytes), now.stats.open_count,
                     format_size(now.stats.uploaded_bytes));
}

void SwarmProcess::report_service(ServiceEventKind kind, std::string_view what) {
  service_->report({.kind = kind,
                    .message = fmt::format("{}: {} {}", options_.tag, options_.kind, what),
                    .tag = options_.tag,
                    .host = options_.node.host_label,
                    .info_hash = torrent_.info_hash.hex()});
}

std::string SwarmProcess::phase() const {
  if (node_ == nullptr) {
    return "starting";
  }
  const std::string own = own_phase();
  return own.empty() ? std::string(phase_name(node_->phase())) : own;
}

ProcessStatus SwarmProcess::status() {
  ProcessStatus status{.kind = options_.kind,
                       .tag = options_.tag,
                       .info_hash = torrent_.info_hash.hex(),
                       .phase = phase()};
  if (node_ == nullptr) {
    return status;
  }
  const node::NodeProgress now = node_->progress();
  status.address = now.listens_on.port == 0 ? "" : now.listens_on.text();
  status.done_bytes = now.phase == node::NodePhase::verifying ? now.verified_bytes : now.have_bytes;
  status.total_bytes = now.total_bytes;
  status.sent_bytes = now.stats.uploaded_bytes;
  status.peers = now.stats.open_count;
  status.details = {{"path", options_.node.path},
                    {"received_bytes", now.stats.downloaded_bytes},
                    {"resumed_bytes", now.resumed_bytes},
                    {"wasted_bytes", now.stats.wasted_bytes},
                    {"failed_pieces", now.stats.failed_pieces}};
  const node::IoCounters& io = now.stats.io;
  status.details["io"] = {{"ring_submissions", io.ring_submissions},
                          {"system_calls", io.ring_enters + io.direct_calls},
                          {"received_blocks", io.received_blocks},
                          {"sent_blocks", io.sent_blocks},
                          {"sent_memory_bytes", io.sent_memory_bytes},
                          {"sent_splice_bytes", io.sent_splice_bytes},
                          {"sent_read_bytes", io.sent_read_bytes},
                          {"kernel_tls_receivers", io.kernel_tls_receivers},
                          {"kernel_tls_senders", io.kernel_tls_senders}};
  status.details["trackers_working"] = now.trackers_working;
  if (!now.rack.empty()) {
    status.details["rack"] = now.rack;
  }
  if (!now.tracker_trouble.empty()) {
    status.details["tracker_trouble"] = now.tracker_trouble;
  }
  return status;
}

// --- metrics -------------------------------------------------------------------------------------

std::string SwarmProcess::metrics_with(std::string_view failure) const {
  PeerMetrics metrics = metrics_without_node(torrent_, options_, stages_);
  metrics.failure = failure;
  metrics.started_at_s = started_at_s_;
  if (node_ != nullptr) {
    metrics.progress = node_->progress();
  }
  return render_peer_metrics(metrics);
}

void SwarmProcess::note_stage() {
  stages_.enter(phase(), reactor_->now());
  if (metrics_ != nullptr) {
    metrics_->write_now();
  }
}

void SwarmProcess::write_last_metrics() {
  if (metrics_ == nullptr) {
    return;
  }
  std::string failure;
  if (!result_) {
    failure = code_of(result_.error());
  } else if (!is_work_done()) {
    failure = "interrupted";
  }
  stages_.enter(failure.empty() ? "done" : "failed", reactor_->now());
  metrics_->finish(metrics_with(failure));
}

}  // namespace murder::host
