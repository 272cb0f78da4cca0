// The sockets of ssh's shared connections (ControlMaster): a private directory while a
// launcher lives. Its destructor asks each master to end, over ssh's own multiplexing protocol
// (PROTOCOL.mux of OpenSSH), and removes the directory; a master that does not hear ends by itself
// when it was idle for a minute (ControlPersist).
#pragma once

#include <string>

#include "cli/fleet/plan/inventory.h"
#include "engine/base/result.h"

namespace murder::fleet {

class SharedConnections {
 public:
  // RUN/ssh-PID-..., or a directory of this user's in /tmp when the run directory's path is too
  // long for a socket address. What processes that died have left there is removed.
  [[nodiscard]] static Result<SharedConnections> create(const std::string& run_directory_option);
  SharedConnections(SharedConnections&& other) noexcept;
  SharedConnections& operator=(SharedConnections&&) = delete;
  ~SharedConnections();

  [[nodiscard]] const std::string& directory() const { return directory_; }
  // As ssh's ControlPath: a '%' would be expanded.
  [[nodiscard]] std::string control_path(HostIndex host) const;

 private:
  explicit SharedConnections(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_;  // empty when moved from
};

}  // namespace murder::fleet
