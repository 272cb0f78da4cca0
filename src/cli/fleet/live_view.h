// What the operator sees while hosts are at work: a screen of some lines on a terminal, a line
// every few seconds elsewhere, nothing with --quiet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fleet/plan/host_state.h"
#include "cli/fleet/tracker_feed.h"
#include "cli/ui/command.h"
#include "cli/ui/progress.h"

namespace murder::fleet {

struct LiveState {
  std::string title;  // "v42 to /srv/app"
  std::string stage;
  Duration elapsed{};
  uint32_t hosts = 0;  // of this stage
  uint32_t hosts_done = 0;
  uint32_t hosts_failed = 0;
  uint32_t failed_before = 0;  // in earlier stages
  // Of a deploy: each host in one state; it takes the place of the numbers above.
  std::optional<StateCounts> counts;
  std::optional<SwarmView> own_view;  // what the hosts told over ssh; used when no tracker answers
  std::optional<SwarmView> swarm;
  Duration swarm_age{};
  std::string swarm_trouble;
  double bytes_per_second = 0;
};

// The screen, each line at most `columns` wide.
[[nodiscard]] std::vector<std::string> format_live_screen(const LiveState& state, uint32_t columns);
// The same in one line of any length.
[[nodiscard]] std::string format_live_line(const LiveState& state);

// Draws on stderr. One thread.
class LiveView {
 public:
  explicit LiveView(const cli::CommandContext& context);
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;
  ~LiveView() noexcept;

  // May be called as often as one likes; draws now and then.
  void update(const LiveState& state);
  // A line of text above the screen.
  void note(std::string_view line);
  void warn(std::string_view line);
  void clear();

 private:
  void draw(const LiveState& state, Instant now);

  const cli::CommandContext& context_;
  bool is_terminal_ = false;
  size_t lines_shown_ = 0;
  std::string last_line_;
  Instant next_draw_{};
};

}  // namespace murder::fleet
