// Who may ask a tracker for what. An open one has no gate.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/http/server.h"
#include "engine/trust/request_token.h"

namespace murder::tracker {

// Seconds since 1970.
[[nodiscard]] uint64_t wall_clock_s();

// Of a closed tracker. Keeps nothing of who asks; what a stranger is told is the same whatever he
// asks for. Lives on the thread of its service.
class Gate {
 public:
  // `clock_s` tells the time in seconds since 1970.
  explicit Gate(const trust::FleetKeys& keys, uint64_t (*clock_s)() = wall_clock_s)
      : keys_(keys), clock_s_(clock_s) {}

  struct Admission {
    std::optional<http::Response> refusal;
    // Whether an announce may make a release known that is not.
    bool opens_releases = false;
  };
  [[nodiscard]] Admission admit(const http::Request& request) const;

 private:
  [[nodiscard]] bool is_viewer(const http::Request& request) const;

  trust::TokenKeys keys_;
  uint64_t (*clock_s_)();
};

}  // namespace murder::tracker
