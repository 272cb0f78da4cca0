// A tracker that runs as a service: its manager and the journal learn how it is, and SIGHUP makes
// it read its configuration again. What is wrong in that leaves everything as it was.
#pragma once

#include <string>

#include "cli/commands/tracker/tracker_settings.h"
#include "coordinator/control_plane.h"
#include "engine/host/parent.h"
#include "engine/host/service/service_link.h"
#include "tracker/tracker_server.h"

namespace murder::cli {

// On the thread of the server, which outlives it.
class TrackerService final : public tracker::TrackerOwner {
 public:
  // `running`: what the server was made with. `coordinator`: nullptr when there is none.
  TrackerService(tracker::TrackerServer& server, TrackerWords words, TrackerSettings running,
                 coordinator::ControlPlane* coordinator, host::Parent& parent);

  // Serving: to be called once, before run().
  void started();
  // After run().
  void stopping();
  // Whether the journal is told of that.
  [[nodiscard]] bool has_journal() const { return link_.has_journal(); }

  // To the journal; what failed to whoever started it by hand.
  void report(const host::ServiceEvent& event);

  void reload_requested() override;
  void happened(const tracker::TrackerEvent& event) override;
  void events_dropped(uint64_t count) override;

 private:
  [[nodiscard]] std::string state() const;

  tracker::TrackerServer& server_;
  const TrackerWords words_;
  const TrackerSettings running_;
  coordinator::ControlPlane* const coordinator_;
  host::Parent& parent_;
  host::ServiceLink link_;
};

// A line of the journal, and its fields.
[[nodiscard]] host::ServiceEvent service_event_of(const tracker::TrackerEvent& event);

}  // namespace murder::cli
