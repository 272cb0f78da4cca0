// The launchers, for make_launcher.h and tests.
#pragma once

#include <optional>

#include "cli/fleet/reach/launcher.h"
#include "cli/fleet/reach/shared_connections.h"

namespace murder::fleet {

// The system's OpenSSH client, one process per host and command.
class SshLauncher : public Launcher {
 public:
  struct Options {
    std::vector<std::string> command;  // the words of --ssh
    Duration connect_timeout{};
    std::string run_directory;
  };
  SshLauncher(Options options, const Inventory& inventory)
      : options_(std::move(options)), inventory_(inventory) {}

  [[nodiscard]] std::string_view name() const override { return "ssh"; }
  [[nodiscard]] uint32_t hosts_at_once() const override { return 1; }
  [[nodiscard]] bool go_together(const Host&, const Host&) const override { return false; }
  [[nodiscard]] bool keeps_sessions() const override { return true; }
  [[nodiscard]] Result<Launch> launch(const LaunchRequest& request) override;

 private:
  Options options_;
  const Inventory& inventory_;
  // Made with the first launch; never with more than limits::shared_connections_max hosts.
  std::optional<SharedConnections> shared_;
};

// ClusterShell: clush opens as many connections as there are forks, or goes through the gateways
// of its topology.conf. A host alone is reached by ssh, which is what clush would do.
class TreeLauncher : public Launcher {
 public:
  struct Options {
    std::vector<std::string> command;  // clush and further options of the user
    std::string ssh_command;           // --ssh as it was given; empty: clush's own
    Duration connect_timeout{};
  };
  TreeLauncher(Options options, SshLauncher alone, const Inventory& inventory)
      : options_(std::move(options)), alone_(std::move(alone)), inventory_(inventory) {}

  [[nodiscard]] std::string_view name() const override { return "clush"; }
  [[nodiscard]] uint32_t hosts_at_once() const override { return limits::hosts_max; }
  [[nodiscard]] bool go_together(const Host& one, const Host& other) const override;
  [[nodiscard]] Result<Launch> launch(const LaunchRequest& request) override;

 private:
  Options options_;
  SshLauncher alone_;
  const Inventory& inventory_;
};

// A program of the user's, through sh.
class ExecLauncher : public Launcher {
 public:
  ExecLauncher(std::string command_template, const Inventory& inventory)
      : template_(std::move(command_template)), inventory_(inventory) {}

  [[nodiscard]] std::string_view name() const override { return "exec"; }
  [[nodiscard]] uint32_t hosts_at_once() const override { return 1; }
  [[nodiscard]] bool go_together(const Host&, const Host&) const override { return false; }
  [[nodiscard]] Result<Launch> launch(const LaunchRequest& request) override;

 private:
  std::string template_;
  const Inventory& inventory_;
};

}  // namespace murder::fleet
