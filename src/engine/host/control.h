// What a running process tells and does over its control socket:
//   GET /status  ->  one JSON object (see json_of)
//   POST /stop   ->  it stops soon
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/json.h"
#include "engine/http/server.h"

namespace murder::host {

// Kinds of processes, in the JSON and on the screen.
inline constexpr std::string_view kind_tracker = "tracker";
inline constexpr std::string_view kind_seeder = "seeder";
inline constexpr std::string_view kind_peer = "peer";

struct ProcessStatus {
  std::string kind;
  std::string tag;        // empty for a tracker
  std::string info_hash;  // hexadecimal; empty for a tracker
  std::string phase;      // "verifying", "downloading", "unpacking", "seeding", "serving", ...
  std::string address;    // where it listens
  uint64_t done_bytes = 0;
  uint64_t total_bytes = 0;
  uint64_t sent_bytes = 0;
  uint32_t peers = 0;
  Json details;  // an object with whatever else there is to say; may be null
};

[[nodiscard]] Json json_of(const ProcessStatus& status);

class StatusSource {
 public:
  virtual ProcessStatus status() = 0;
  // Asks only; the reply is sent before the process ends.
  virtual void request_stop() = 0;

 protected:
  ~StatusSource() = default;
};

class ControlHandler : public http::Handler {
 public:
  explicit ControlHandler(StatusSource& source) : source_(source) {}
  http::Response handle(const http::Request& request, Instant now) override;

 private:
  StatusSource& source_;
};

}  // namespace murder::host
