// What a tracker does over its control socket, beside what every process does (host/control.h):
//   POST /deploy-key   the body is the name of a deploy and its key, a line each: it has this key
//                      from now on; without a key: its key is gone
#pragma once

#include "engine/host/control.h"
#include "tracker/tracker_server.h"

namespace murder::cli {

// On the thread of the server, which outlives it.
class TrackerControl final : public http::Handler {
 public:
  TrackerControl(host::StatusSource& source, tracker::TrackerServer& server)
      : all_(source), server_(server) {}

  http::Response handle(const http::Request& request, Instant now) override;

 private:
  http::Response take_key(std::string_view body);

  host::ControlHandler all_;
  tracker::TrackerServer& server_;
};

}  // namespace murder::cli
