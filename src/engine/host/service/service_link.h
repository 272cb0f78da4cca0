// A long-running process as a service: it tells its manager (systemd) that it is ready, how it is
// and that it is alive, and reports events to the journal. Started by hand it does neither.
//
//   starting -> ready -> (reloading -> ready)* -> stopping
//
// Lives on the thread of its reactor. The watchdog is told from a timer of that reactor: when its
// turns hang, the manager notices. It is not told either while another thread of the process has
// been silent for too long. Nothing here waits.
#pragma once

#include <optional>
#include <string>

#include "engine/base/callback.h"
#include "engine/host/bounds.h"
#include "engine/host/service/journal.h"
#include "engine/host/service/notify_socket.h"
#include "engine/host/service/service_event.h"
#include "engine/host/text_source.h"
#include "engine/io/reactor.h"
#include "engine/io/timers.h"

namespace murder::host {

// For how long no sign of life came from that one of a process's other threads that gave none for
// longest. Without a function there are none.
using SilenceSource = Callback<Duration()>;

class ServiceLink {
 public:
  // `state` is a line about how it is now, shown by `systemctl status`. With another interval than
  // the default the manager is told the state less often, so that an idle process sleeps.
  ServiceLink(io::Reactor& reactor, TextSource state, SilenceSource silence = {},
              Duration status_interval = limits::service_status_interval);
  ServiceLink(const ServiceLink&) = delete;
  ServiceLink& operator=(const ServiceLink&) = delete;

  void ready();
  void reloading();
  void stopping();
  // The state may be another one: the manager is told now, where that is not to wait.
  void show_state();
  [[nodiscard]] bool has_journal() const { return journal_.is_open(); }
  // False when there is no journal: who started it by hand may be told in another way.
  bool report(const ServiceEvent& event);

 private:
  void tell(std::string lines);
  void tick(io::Timer& timer);
  [[nodiscard]] Duration tick_interval() const;
  [[nodiscard]] bool is_alive() const;

  io::Reactor& reactor_;
  const TextSource state_;
  const SilenceSource silence_;
  const Duration status_interval_;
  NotifySocket manager_;
  Journal journal_;
  std::optional<Duration> watchdog_interval_;
  io::Timer timer_;
  std::string waiting_;      // a change of state that the manager did not take yet
  std::string state_shown_;  // the last state that it took
  bool is_stopping_ = false;
};

}  // namespace murder::host
