#include "cli/fleet/plan/deploy_decisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <vector>

namespace murder::fleet {
namespace {

constexpr Duration still_max = std::chrono::seconds(20);
constexpr Duration ask_interval_max = std::chrono::minutes(5);
constexpr uint64_t leechers_ignored_share = 100;

std::optional<uint64_t> parsed_number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty()
             ? std::optional(number)
             : std::nullopt;
}

}  // namespace

std::optional<HostIndex> choose_default_host(std::span<const HostIndex> order,
                                             const std::function<Reach(HostIndex)>& reach,
                                             bool has_waited) {
  for (const HostIndex host : order) {
    const Reach here = reach(host);
    if (here == Reach::ready) {
      return host;
    }
    if (here == Reach::unknown && !has_waited) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

SeederStep seeder_step(const SeederFound& found, std::string_view info_hash) {
  if (!found.runs) {
    return SeederStep::start;
  }
  if (!found.is_ours) {
    return SeederStep::refuse;
  }
  const bool is_right =
      found.info_hash == info_hash && found.is_known_to_tracker && !found.has_other_key;
  return is_right ? SeederStep::adopt : SeederStep::replace;
}

std::string encode_origin(const Origin& origin) {
  return fmt::format("{} {} {} {} {}", origin.machine, origin.boot, origin.pid_space, origin.pid,
                     origin.started);
}

std::optional<Origin> decode_origin(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (words.size() != 5 || words[0].empty() || words[1].empty() || words[2].empty()) {
    return std::nullopt;
  }
  const std::optional<uint64_t> pid = parsed_number(words[3]);
  const std::optional<uint64_t> started = parsed_number(words[4]);
  if (!pid || !started) {
    return std::nullopt;
  }
  return Origin{.machine = std::string(words[0]),
                .boot = std::string(words[1]),
                .pid_space = std::string(words[2]),
                .pid = *pid,
                .started = *started};
}

bool is_gone(const Origin& other, const Origin& self, const StartOf& start_of) {
  if (other.machine != self.machine) {
    return false;
  }
  if (other.boot != self.boot) {
    return true;
  }
  return other.pid_space == self.pid_space && start_of(other.pid) != other.started;
}

std::string reason_to_leave(const Laggard& host, Instant quorum_at, Instant started_at,
                            Instant now) {
  const auto seconds = [](Duration duration) {
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  };
  if (!host.is_reached) {
    return now - started_at >= dead_host_wait
               ? fmt::format("not reached within {} s", seconds(dead_host_wait))
               : "";
  }
  const Instant since = std::max(host.moved_at, quorum_at);
  return now - since >= stall_beyond_quorum
             ? fmt::format("stalled: no progress for {} s, and enough hosts have the release",
                           seconds(now - host.moved_at))
             : "";
}

bool is_time_to_ask(const AskState& state) {
  const bool few_fetch = state.tracker_answers && state.seeders > 0 &&
                         state.leechers <= state.pending / leechers_ignored_share;
  return few_fetch || state.still_for >= still_max || state.since_asked >= ask_interval_max;
}

}  // namespace murder::fleet
