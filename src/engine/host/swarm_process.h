// What `seed` and `peer` have in common: a node on a reactor, with signals, a control socket and a
// parent that it reports to.
//
//   starting -> verifying -> fetching -> (delivering, by the peer) -> serving -> stopping
//   -> run() returns
//
// One thread; blocking work of the owner (unpacking) runs on a separate thread and comes back
// through a notifier.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/host/control.h"
#include "engine/host/control_keeper.h"
#include "engine/host/metrics_file.h"
#include "engine/host/parent.h"
#include "engine/host/peer_metrics.h"
#include "engine/host/service/service_link.h"
#include "engine/host/torrent_input.h"
#include "engine/http/server.h"
#include "engine/io/reactor.h"
#include "engine/io/signal_source.h"
#include "engine/node/node.h"

namespace murder::host {

struct SwarmProcessOptions {
  std::string kind;  // kind_seeder, kind_peer
  std::string tag;
  std::string run_directory;
  std::string metrics_path;  // absolute; empty: none
  node::NodeOptions node;
};

// For one that failed before there was a SwarmProcess. Blocks. Nothing to do where no file is asked
// for.
[[nodiscard]] Status write_metrics_of_failure(const TorrentInput& torrent,
                                              const SwarmProcessOptions& options,
                                              const Error& error);
// Likewise for one that had nothing to do, since the release is in its place.
[[nodiscard]] Status write_metrics_of_placed(const TorrentInput& torrent,
                                             const SwarmProcessOptions& options);

class SwarmProcess : private node::NodeObserver, private StatusSource {
 public:
  SwarmProcess(const TorrentInput& torrent, SwarmProcessOptions options, Parent& parent);
  virtual ~SwarmProcess();

  // Until it is stopped, or the error that ended it.
  [[nodiscard]] Status run();

 protected:
  // Before any thread and ring exist; the control socket of this name does. By default nothing.
  [[nodiscard]] virtual Status starting(const std::string& /*control_socket*/) { return {}; }
  // Verified, listening and announcing. By default nothing.
  virtual void ready() {}
  // Everything is there. After ready().
  virtual void complete() {}
  // Asked to stop, or failed: the owner's own work is to end soon. By default nothing.
  virtual void stopping() {}
  // Whether the owner's own work has ended, so that run() may return.
  [[nodiscard]] virtual bool own_work_done() const { return true; }
  // Whether what the process is for was done, should it be stopped now.
  [[nodiscard]] virtual bool is_work_done() const { return true; }
  // Shown in the status instead of the node's phase; empty: the node's.
  [[nodiscard]] virtual std::string own_phase() const { return {}; }
  // What the owner's own work tells its parent; nullopt: the node's progress.
  [[nodiscard]] virtual std::optional<Progress> own_progress() const { return std::nullopt; }

  // Ends run() with this result once everything has ended.
  void end(Status result);
  // The parent has its report: what comes later is no longer its failure.
  void finish(const FinalReport& report);
  void own_work_ended() { leave_if_done(); }

  [[nodiscard]] io::Reactor& reactor() { return *reactor_; }
  [[nodiscard]] node::Node& node() { return *node_; }
  [[nodiscard]] Parent& parent() { return parent_; }
  // Of the content, so far; 0 as well before there is a node.
  [[nodiscard]] uint64_t verified_bytes() const {
    return node_ == nullptr ? 0 : node_->progress().have_bytes;
  }
  [[nodiscard]] const TorrentInput& torrent() const { return torrent_; }
  [[nodiscard]] const SwarmProcessOptions& options() const { return options_; }
  [[nodiscard]] bool finished() const { return finished_; }
  // Before that the files of the swarm were not touched.
  [[nodiscard]] bool has_tried_node() const { return has_tried_node_; }
  // Whether the journal was told that it has started.
  [[nodiscard]] bool has_journal() const { return service_->has_journal(); }

 private:
  [[nodiscard]] Status start();
  [[nodiscard]] Status create_node();
  void serve_control_instead(int listening_fd);
  void signalled(int signal_number);
  [[nodiscard]] Duration longest_silence() const;
  void parent_gone(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void tell_progress(io::Timer& timer);
  [[nodiscard]] std::string phase() const;
  [[nodiscard]] std::string metrics_with(std::string_view failure) const;
  [[nodiscard]] std::string metrics() const { return metrics_with({}); }
  void note_stage();
  void write_last_metrics();
  void leave_if_done();
  [[nodiscard]] Error interrupted() const;
  [[nodiscard]] std::string service_state() const;
  void report_service(ServiceEventKind kind, std::string_view what);

  // NodeObserver
  void node_ready() override;
  void node_complete() override;
  void node_notice(const std::string& line) override;
  void node_failed(const Error& error) override;
  void node_stopped() override;
  // StatusSource
  ProcessStatus status() override;
  void request_stop() override;

  const TorrentInput& torrent_;
  SwarmProcessOptions options_;
  Parent& parent_;
  std::unique_ptr<io::Reactor> reactor_;
  std::unique_ptr<io::SignalSource> signals_;
  std::unique_ptr<ControlKeeper> control_keeper_;
  ControlHandler control_handler_{*this};
  std::unique_ptr<http::Server> control_server_;
  std::unique_ptr<ServiceLink> service_;
  std::unique_ptr<io::Operation> parent_poll_;
  std::unique_ptr<io::Timer> progress_timer_;
  std::unique_ptr<MetricsKeeper> metrics_;  // nullptr: nobody asked for a file
  StageClock stages_;
  int64_t started_at_s_ = 0;
  std::unique_ptr<node::Node> node_;
  Status result_;
  bool finished_ = false;
  bool has_tried_node_ = false;
  bool ending_ = false;
  bool node_stopped_ = false;
};

}  // namespace murder::host
