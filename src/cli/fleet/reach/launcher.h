// The seam to hosts: how a command line and its standard input reach them. The runner starts what a
// launcher describes and hands the launcher's processes' output to it; see runner.h.
//
//   ssh                      one process and one shared connection (ControlMaster) per host
//   clush                    ClusterShell's tree: one process for many hosts
//   exec:'CMD {host} {command}'   any program, through sh; also {address} {port} {user} {ip} {rack}
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fleet/plan/fleet_bounds.h"
#include "cli/fleet/plan/host_result.h"
#include "cli/fleet/plan/inventory.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace murder::fleet {

// A process to start. `hosts_text`, if not empty, is given to it as a file on descriptor 3.
struct Launch {
  std::vector<std::string> arguments;  // [0] is looked up in PATH
  std::string hosts_text;
  // Each line of its output begins with "ADDRESS: " (several hosts share it), and each host's
  // exit status is told in that output; see labelled_output.h.
  bool is_labelled = false;
};

// What one process is to run. All hosts get the same command; `hosts` has one element unless
// Launcher::hosts_at_once() allows more.
struct LaunchRequest {
  std::span<const HostIndex> hosts;
  std::string_view command;  // a line for the shell of the remote user
  bool has_input = false;    // standard input carries something
  uint32_t forks = limits::forks_default;
  Duration command_timeout{};  // zero: none
};

// Made by make_launcher.h. Refers to the inventory, which must outlive it. Its destructor ends the
// shared connections it made and removes their directory.
class Launcher {
 public:
  virtual ~Launcher() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  // How many hosts one process may reach: 1, or many for a tree.
  [[nodiscard]] virtual uint32_t hosts_at_once() const = 0;
  // Whether a command may be a shell that takes further ones (session_marks.h).
  [[nodiscard]] virtual bool keeps_sessions() const { return false; }
  // Whether two hosts may be in one request: a tree takes one user and one port at a time.
  [[nodiscard]] virtual bool go_together(const Host& one, const Host& other) const = 0;
  [[nodiscard]] virtual Result<Launch> launch(const LaunchRequest& request) = 0;
};

}  // namespace murder::fleet
