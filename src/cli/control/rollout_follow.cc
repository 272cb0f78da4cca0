#include "cli/control/rollout_follow.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "cli/control/answer_text.h"
#include "cli/control/bounds.h"
#include "cli/control/leave_signals.h"
#include "cli/control/rollout_orders.h"
#include "cli/ui/live_lines.h"
#include "cli/ui/output.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/units.h"

namespace murder::cli {
namespace {

struct ChoiceWord {
  std::string_view word;
  Choice choice;
};
constexpr std::array choice_words = {
    ChoiceWord{"leave", Choice::leave}, ChoiceWord{"pause", Choice::pause},
    ChoiceWord{"abort", Choice::abort}, ChoiceWord{"undo", Choice::undo},
    ChoiceWord{"watch", Choice::watch}};

constexpr size_t typed_bytes_max = 100;

// Until something can be read, the time is over or a signal came.
bool wait_readable(int fd, Duration most) {
  pollfd item{.fd = fd, .events = POLLIN, .revents = 0};
  const timespec timeout{.tv_sec = most.count() / 1'000'000'000,
                         .tv_nsec = most.count() % 1'000'000'000};
  return ppoll(&item, 1, &timeout, nullptr) > 0;
}

// What changes with time alone is no news.
Json without_clocks(const Json& rollout) {
  Json changed = rollout;
  if (!rollout.contains("waits_s")) {
    return changed;
  }
  changed["waits_s"] = nullptr;
  Json hosts = Json::array();
  for (Json host : rollout["unsettled"]) {
    const std::string why = text_member(host, "why");
    host["why"] = why.substr(0, why.find("; not heard for"));
    hosts.push_back(host);
  }
  changed["unsettled"] = hosts;
  return changed;
}

class Follower {
 public:
  Follower(CoordinatorClient& client, const FollowOptions& options, const CommandContext& context)
      : client_(client),
        options_(options),
        context_(context),
        lines_(context),
        answered_at_(monotonic_now()) {
    client.set_answer_wait(limits::follow_answer_wait);
  }

  Result<int> run() {
    while (true) {
      if (Status looked = look(); !looked) {
        return fail(looked.error());
      }
      if (const std::optional<int> exit = ended()) {
        return finish(*exit);
      }
      draw();
      wait_readable(-1, limits::rollout_look_every);
      if (const int number = signals_.leaving_signal(); number != 0) {
        return finish(exit_signal_base + number);
      }
      if (signals_.take_interrupt()) {
        const Result<std::optional<int>> answered = ask();
        if (!answered) {
          return fail(answered.error());
        }
        if (*answered) {
          return finish(**answered);
        }
      }
    }
  }

 private:
  Status look() {
    Result<Json> rollout = ask_rollout(client_, options_.app);
    const Instant now = monotonic_now();
    if (rollout) {
      const bool is_news = without_clocks(*rollout) != without_clocks(rollout_);
      rollout_ = std::move(*rollout);
      answered_at_ = now;
      trouble_.clear();
      if (is_news && options_.prints_changes) {
        context_.print_json(rollout_);
      }
      return {};
    }
    const Error& error = rollout.error();
    const bool may_pass = error.code == ErrorCode::network || error.code == ErrorCode::timeout;
    if (!may_pass || now - answered_at_ >= limits::coordinator_silence_max) {
      const bool has_begun = options_.number != 0 || !rollout_.is_null();
      return fail(error.code, !has_begun
                                  ? error.text
                                  : error.text + "; the rollout goes on without this command");
    }
    trouble_ = error.text;
    return {};
  }

  [[nodiscard]] std::optional<int> ended() const {
    if (rollout_.is_null()) {
      return std::nullopt;
    }
    if (options_.number != 0 && count_member(rollout_, "number") != options_.number) {
      return exit_goes_on;
    }
    return exit_of_state(text_member(rollout_, "state"));
  }

  void draw() {
    const Instant now = monotonic_now();
    if (!lines_.wants_update(now)) {
      return;
    }
    std::vector<std::string> screen;
    std::string line = options_.app;
    if (!rollout_.is_null()) {
      screen = rollout_lines(rollout_, limits::unsettled_shown_max);
      line = rollout_headline(rollout_) + "; " + counts_text(rollout_);
    }
    if (!trouble_.empty()) {
      const std::string since =
          fmt::format("no answer for {}: {}", format_duration(now - answered_at_), trouble_);
      screen.push_back("  trouble    " + since);
      line = fmt::format("{}: no answer: {}", options_.app, trouble_);
    }
    lines_.update(screen, line, now);
  }

  // What is to be done about the rollout. The exit status, or nothing to go on watching.
  Result<std::optional<int>> ask() {
    lines_.clear();
    if (!is_on_terminal()) {
      return std::optional<int>(exit_signal_base + SIGINT);
    }
    const Choice choice = read_choice();
    switch (choice) {
      case Choice::watch:
        return std::optional<int>();
      case Choice::leave:
        return std::optional<int>(exit_goes_on);
      case Choice::pause:
        return give_order("pause", exit_goes_on);
      case Choice::abort:
        return give_order("abort", std::nullopt);
      case Choice::undo:
        return give_order("undo", std::nullopt);
    }
    return std::optional<int>();
  }

  Result<std::optional<int>> give_order(std::string_view verb, std::optional<int> exit) {
    Result<Json> rollout = order_rollout(client_, verb, options_.app, options_.signer, context_);
    if (!rollout) {
      context_.warn(fmt::format("{}: {}", verb, rollout.error().text));
      return std::optional<int>();
    }
    rollout_ = std::move(*rollout);
    return exit;
  }

  // A second ^C, a terminal that is gone and the end of what is typed leave it running.
  Choice read_choice() {
    while (true) {
      print_message(
          fmt::format("\n{} goes on at the coordinator: (l)eave it running, (p)ause, "
                      "(a)bort, (u)ndo, or go on (w)atching? ",
                      options_.app));
      std::string typed;
      while (typed.find('\n') == std::string::npos) {
        const bool is_there = wait_readable(STDIN_FILENO, limits::rollout_look_every);
        if (signals_.take_interrupt() || signals_.leaving_signal() != 0) {
          return Choice::leave;
        }
        if (!is_there) {
          continue;
        }
        std::array<char, typed_bytes_max> part{};
        const ssize_t size = ::read(STDIN_FILENO, part.data(), part.size());
        if (size < 0 && errno == EINTR) {
          continue;
        }
        if (size <= 0 || typed.size() > typed_bytes_max) {
          return Choice::leave;
        }
        typed.append(part.data(), static_cast<size_t>(size));
      }
      if (const std::optional<Choice> choice = parse_choice(typed.substr(0, typed.find('\n')))) {
        return *choice;
      }
    }
  }

  int finish(int exit) {
    lines_.clear();
    if (rollout_.is_null()) {
      return exit;
    }
    const std::optional<uint64_t> told = add_stage_times(client_, rollout_);
    for (const std::string& line : rollout_lines(rollout_, SIZE_MAX)) {
      context_.print(line);
    }
    if (!options_.prints_changes) {
      context_.print_json(rollout_);
    }
    if (const std::string advice = advice_of(exit, told); !advice.empty()) {
      context_.note(advice);
    }
    return exit;
  }

  // `told`: hosts that were told to activate the release, where it is known.
  [[nodiscard]] std::string advice_of(int exit, std::optional<uint64_t> told) const {
    const std::string& app = options_.app;
    if (exit == exit_held) {
      return held_advice(rollout_, told != 0);
    }
    if (exit == exit_goes_on && text_member(rollout_, "state") == "paused") {
      return fmt::format("`murder rollout resume {}` lets it go on", app);
    }
    if (exit >= exit_goes_on) {
      return fmt::format("it goes on; `murder rollout status {} --watch` follows it", app);
    }
    return {};
  }

  CoordinatorClient& client_;
  const FollowOptions& options_;
  const CommandContext& context_;
  LeaveSignals signals_;
  LiveLines lines_;
  Json rollout_;
  Instant answered_at_;
  std::string trouble_;
};

}  // namespace

std::optional<Choice> parse_choice(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) {
    line.remove_suffix(1);
  }
  for (const ChoiceWord& each : choice_words) {
    if (!line.empty() && each.word.starts_with(line)) {
      return each.choice;
    }
  }
  return std::nullopt;
}

Result<int> follow_rollout(CoordinatorClient& client, const FollowOptions& options,
                           const CommandContext& context) {
  return Follower(client, options, context).run();
}

}  // namespace murder::cli
