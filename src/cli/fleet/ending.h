// The end of a deploy on its hosts: where the release is, it is made current and older ones are
// removed; then what the deploy started is stopped and what it put there is removed. One command
// does all of it on a host.
#pragma once

#include <string>
#include <vector>

#include "cli/fleet/deploy_run.h"
#include "cli/fleet/plan/remote_command.h"

namespace murder::fleet {

class Ending {
 public:
  explicit Ending(DeployRun& run);

  struct Plan {
    std::vector<HostIndex> activated;  // to be made current there
    std::vector<HostIndex> kept;       // to be rid of older releases there
    bool is_file = false;              // the release
  };
  void start(const Plan& plan);
  // What ^C has cut short is cleaned up all the same.
  void clean_what_is_left();
  bool take(const JobKind& kind, const HostResult& result);
  // What could not be cleaned up.
  void tell() const;
  // The command that cleans this machine up when it serves.
  [[nodiscard]] std::string clean_command(const std::string& murder_path,
                                          const std::string& temp_path) const;

 private:
  [[nodiscard]] CommandLine finish_line(const std::string& murder_path,
                                        const std::string& temp_path, bool keeps_partial) const;
  [[nodiscard]] std::string command_for(HostIndex host, const Plan& plan) const;
  void take_activated(const HostResult& result);

  DeployRun& run_;
  JobKind end_kind_;
  JobKind clean_kind_;
  JobKind silent_kind_;
  bool is_file_ = false;
  std::vector<HostIndex> open_;  // not cleaned yet
  std::vector<HostIndex> activated_;
  std::vector<HostIndex> left_;  // something may be left there
};

}  // namespace murder::fleet
