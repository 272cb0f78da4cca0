// The coordinator of a tracker that was started with --state.
#pragma once

#include <memory>

#include "cli/commands/tracker/tracker_service.h"
#include "cli/commands/tracker/tracker_settings.h"
#include "coordinator/control_plane.h"
#include "engine/host/parent.h"
#include "tracker/tracker_server.h"

namespace murder::cli {

// On the thread of the tracker, which outlives it.
class CoordinatorProcess final : private coordinator::ControlPlaneOwner {
 public:
  // One without a coordinator where `settings` name no state. Errors: the state cannot be opened,
  // or another process has it.
  [[nodiscard]] static Result<std::unique_ptr<CoordinatorProcess>> create(
      tracker::TrackerServer& server, const TrackerSettings& settings, host::Parent& parent);
  CoordinatorProcess(const CoordinatorProcess&) = delete;
  CoordinatorProcess& operator=(const CoordinatorProcess&) = delete;
  ~CoordinatorProcess();

  [[nodiscard]] coordinator::ControlPlane* plane() { return plane_.get(); }
  // Is told of what happens from now on; nullptr: nobody is.
  void set_service(TrackerService* service) { service_ = service; }

 private:
  CoordinatorProcess(tracker::TrackerServer& server, host::Parent& parent)
      : server_(server), parent_(parent) {}

  void recorded(const control::Coordinator& machine, const control::Record& record) override;
  void warn(const std::string& text) override;
  void lease_ended() override;

  tracker::TrackerServer& server_;
  host::Parent& parent_;
  TrackerService* service_ = nullptr;
  std::unique_ptr<coordinator::ControlPlane> plane_;
};

}  // namespace murder::cli
