// A command of the fleet at work: its hosts, its live screen, ^C, and who failed so far.
//
// Steps are run one after the other. A host that failed in a step that counts is in failures() and
// is left out by its caller from then on.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fleet/fleet_options.h"
#include "cli/fleet/interrupts.h"
#include "cli/fleet/live_screen.h"
#include "cli/fleet/plan/framed_command.h"
#include "cli/fleet/reach/runner.h"
#include "cli/fleet/report.h"
#include "cli/fleet/tracker_feed.h"
#include "cli/ui/command.h"
#include "cli/ui/live_lines.h"
#include "cli/ui/progress.h"

namespace murder::fleet {

struct Step {
  std::string stage;
  std::string_view input;           // standard input of every command
  int input_fd = -1;                // the same as a file
  std::optional<Duration> timeout;  // of one command, if not --command-timeout
  std::optional<uint32_t> retries;  // if not --retries
  uint32_t output_bytes_max = limits::output_bytes_default;
  bool shows_failures = true;   // a "no" of a host is a failure on the screen
  bool is_cleaning_up = false;  // goes on after the first ^C, ends at the second
};

using CommandOf = std::function<std::string(const Host&)>;

class Work {
 public:
  // `shared`: of another Work at the same time; nullptr: its own.
  Work(Fleet fleet, cli::CommandContext& context, std::string title,
       const Interrupts* shared = nullptr);

  [[nodiscard]] const Inventory& inventory() const { return *fleet_.inventory; }
  [[nodiscard]] const Variables& variables() const { return fleet_.inventory->variables; }
  [[nodiscard]] const Fleet& fleet() const { return fleet_; }
  // In place of those that have it.
  void assign_role(Role role, HostIndex host);
  // For jobs that are added as their time comes.
  [[nodiscard]] Launcher& launcher() { return *fleet_.launcher; }
  // Draws the screen with this, and what the tracker tells if it is followed.
  void show(const LiveState& state);
  [[nodiscard]] const std::string& title() const { return title_; }
  [[nodiscard]] cli::CommandContext& context() { return context_; }
  [[nodiscard]] cli::LiveLines& view() { return view_; }
  [[nodiscard]] bool is_interrupted() const { return interrupts_->work().is_set(); }
  [[nodiscard]] const archive::CancelFlag& cancel() const { return interrupts_->work(); }
  [[nodiscard]] const Interrupts& interrupts() const { return *interrupts_; }

  // A result per host, in their order. Failures are not noted.
  [[nodiscard]] std::vector<HostResult> run(std::span<const HostIndex> hosts, const Step& step,
                                            const CommandOf& command_of);
  // The same; failures are noted, those that are ok are returned.
  [[nodiscard]] std::vector<HostResult> run_and_note(std::span<const HostIndex> hosts,
                                                     const Step& step, const CommandOf& command_of);
  // For who runs jobs without run(): the command as it is to be run on the host, and what is to be
  // done with its result, once, before it is looked at.
  [[nodiscard]] std::string framed(HostIndex host, const std::string& command) const;
  void unframe(HostResult& result);
  // Says hello to those of the hosts that no command has reached yet, so that facts_of() is known.
  // A host that does not answer is found, and noted, by the step that needs it.
  void meet(std::span<const HostIndex> hosts);
  [[nodiscard]] const HostFacts& facts_of(HostIndex host) const { return facts_[host.raw]; }
  void note_failure(HostFailure failure);
  void note_failure(const HostResult& result);
  // More is known of what a host failed by: `reason` has what was noted, and more.
  void refine_failure(HostIndex host, const std::string& reason);

  [[nodiscard]] const std::vector<HostFailure>& failures() const { return failures_; }
  void forget_failures() { failures_.clear(); }

  void set_title(std::string title) { title_ = std::move(title); }
  // From now on the screen shows the tracker's figures; nullptr: no more.
  void follow(TrackerFeed* feed);
  // Shows the screen for a while without running anything; less when it is interrupted.
  void watch_for(Duration duration, const Step& step, uint32_t hosts, uint32_t hosts_done);
  // Hosts of the running stage that are done though this step is not about them.
  void count_as_done(uint32_t hosts_of_stage, uint32_t hosts_done);

  // What one host may be given that others are not: its name and address for peers. With a tree all
  // hosts get the same command, so they are called by their own names there.
  [[nodiscard]] std::string label_of(const Host& host) const;

  // Prints the table of failures, and why the exit code is not 0.
  [[nodiscard]] int finish(size_t done_count, const std::string& text, Json json);

 private:
  class Observer;

  [[nodiscard]] FrameOptions frame_of(HostIndex host) const;
  void learn(HostIndex host, HostFacts facts);

  Fleet fleet_;
  cli::CommandContext& context_;
  std::string title_;
  std::unique_ptr<Interrupts> own_interrupts_;
  const Interrupts* interrupts_;
  cli::LiveLines view_;
  std::vector<HostFacts> facts_;  // by host
  std::vector<HostFailure> failures_;
  TrackerFeed* feed_ = nullptr;
  cli::RateMeter meter_;
  uint32_t stage_hosts_ = 0;
  uint32_t stage_done_ = 0;
  Instant started_at_{};
};

}  // namespace murder::fleet
