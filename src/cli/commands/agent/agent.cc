// murder agent: the process on each host that does what a coordinator wants of it.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent_process.h"
#include "agent/bounds.h"
#include "agent/once_places.h"
#include "agent/once_times.h"
#include "cli/commands/agent/agent_config.h"
#include "cli/commands/agent/agent_stdio.h"
#include "cli/commands/command_list.h"
#include "cli/ui/background.h"
#include "cli/ui/command.h"
#include "engine/archive/file.h"
#include "engine/base/units.h"
#include "engine/host/deploy_locks.h"
#include "engine/host/fleet_key_file.h"
#include "engine/host/own_program.h"
#include "engine/host/run_directory.h"
#include "engine/host/torrent_input.h"

namespace murder::cli {
namespace {

constexpr size_t command_line_bytes_max = 1024 * 1024;
constexpr uint64_t standard_config_bytes_max = 1024 * 1024;

struct AgentCommandOptions {
  std::string config_path = agent_config_path_default;
  bool once = false;
  bool background = false;
  bool stdio = false;
  std::string token;
  std::string tag;
  std::string owner;
  std::string origin;
  Duration lease = limits::agent_once_lease;
  std::optional<Duration> connect_within;
};

constexpr size_t token_bytes_max = 64;

bool is_token(std::string_view text) {
  return text.size() <= token_bytes_max && std::all_of(text.begin(), text.end(), [](char each) {
           return (each >= '0' && each <= '9') || (each >= 'a' && each <= 'z') ||
                  (each >= 'A' && each <= 'Z');
         });
}

// Looks whether the file can be read when SIGHUP asks for it.
class FileReload final : public agent::AgentReload {
 public:
  explicit FileReload(std::string path) : path_(std::move(path)) {}
  Status check() override {
    const Result<agent::AgentOptions> options = load_agent_config(path_);
    if (!options) {
      return fail(options.error());
    }
    const auto keys = host::fleet_keys_for(options->fleet_key, options->is_open);
    return keys ? Status() : fail(keys.error());
  }

 private:
  std::string path_;
};

// This process with the same words: its children stay its own.
Status begin_again(const std::string& program) {
  const Result<std::string> line =
      archive::read_whole_file("/proc/self/cmdline", command_line_bytes_max);
  if (!line) {
    return fail(line.error());
  }
  std::vector<std::string> words;
  for (size_t start = 0; start < line->size();) {
    const size_t end = line->find('\0', start);
    words.push_back(line->substr(start, end - start));
    start = end == std::string::npos ? line->size() : end + 1;
  }
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  execv(program.c_str(), arguments.data());
  return fail_errno(errno, "cannot begin again as " + program);
}

struct AgentInput {
  agent::AgentOptions options;
  std::string key_lines;  // of a deploy
  std::optional<trust::FleetKeys> keys;
};

Result<std::optional<trust::FleetKeys>> keys_in_front(const std::string& key_lines,
                                                      const agent::AgentOptions& options) {
  if (key_lines.empty()) {
    return host::fleet_keys_for(options.fleet_key, options.is_open);
  }
  if (options.is_open || !options.fleet_key.empty()) {
    return fail(ErrorCode::invalid_input,
                "standard input: open and fleet_key do not go together with a key in front");
  }
  const Result<trust::FleetKeys> keys = trust::parse_fleet_keys(key_lines, "standard input");
  return keys ? Result<std::optional<trust::FleetKeys>>(*keys) : fail(keys.error());
}

// A key file of this host that says "transport tls" says so for a deploy's key as well, as it does
// to `murder peer`. One that this user may not read is not his.
Status follow_own_transport(agent::AgentOptions& options) {
  const std::string path = host::fleet_key_path();
  if (::access(path.c_str(), R_OK) != 0 && errno == EACCES) {
    return {};
  }
  const Result<std::optional<trust::FleetKeys>> own = host::fleet_keys_for("", false);
  if (!own) {
    return fail(own.error());
  }
  if (!*own || !(*own)->has_tls) {
    return {};
  }
  if (options.transport == "plain") {
    return fail(ErrorCode::invalid_input,
                fmt::format("transport = \"plain\": {} says \"transport tls\"", path));
  }
  options.transport = "tls";
  return {};
}

// A key may come in front, as with a torrent. Peers that the agent starts read it in its state
// directory, for which it is written at the agent's start.
Result<AgentInput> input_of_deploy(const AgentCommandOptions& options,
                                   const CommandContext& context) {
  const Result<std::string> text =
      options.stdio ? read_frame_of_input(standard_config_bytes_max)
                    : archive::read_whole_file("/dev/stdin", standard_config_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  AgentInput input{.options = {}, .key_lines = std::string(host::key_lines_of(*text)), .keys = {}};
  Result<agent::AgentOptions> read =
      parse_agent_config(std::string_view(*text).substr(input.key_lines.size()), "standard input",
                         AgentKind::of_a_deploy);
  if (!read) {
    return fail(read.error());
  }
  Result<std::optional<trust::FleetKeys>> keys = keys_in_front(input.key_lines, *read);
  if (!keys) {
    return fail(keys.error());
  }
  input.options = std::move(*read);
  input.options.tidy_after = Duration::zero();  // it ends with the deploy
  input.keys = std::move(*keys);
  if (input.options.state_directory == agent_state_default) {
    // For the time of a deploy, beside what else runs then.
    input.options.state_directory = agent::once_state_directory(
        host::choose_run_directory(context.run_directory), options.token);
  }
  if (!input.key_lines.empty()) {
    if (Status followed = follow_own_transport(input.options); !followed) {
      return fail(followed.error());
    }
    input.options.fleet_key =
        fmt::format("{}/{}", input.options.state_directory, agent::once_key_name);
  }
  return input;
}

Result<AgentInput> agent_input_of(const AgentCommandOptions& options,
                                  const CommandContext& context) {
  if (options.once) {
    return input_of_deploy(options, context);
  }
  Result<agent::AgentOptions> read = load_agent_config(options.config_path);
  if (!read) {
    return fail(read.error());
  }
  Result<std::optional<trust::FleetKeys>> keys =
      host::fleet_keys_for(read->fleet_key, read->is_open);
  if (!keys) {
    return fail(keys.error());
  }
  if (*keys && read->fleet_key.empty()) {
    // Peers that it starts are closed as it is, also when the file is gone by then.
    read->fleet_key = host::fleet_key_path();
  }
  return AgentInput{std::move(*read), {}, std::move(*keys)};
}

// `loss` names the coordinator of the last attempt, if one is over.
Result<int> outcome_of(agent::AgentEnd end, const std::string& loss,
                       const agent::AgentOptions& agent, Duration connect_within) {
  if (end == agent::AgentEnd::no_coordinator || end == agent::AgentEnd::unreached) {
    const bool is_unreached = end == agent::AgentEnd::unreached;
    return fail(
        is_unreached ? ErrorCode::network : ErrorCode::timeout,
        !loss.empty() ? "no coordinator: " + loss
        : is_unreached
            ? fmt::format("no coordinator: cannot connect to {}: no answer within {}",
                          agent.coordinators.front().text(), format_duration(connect_within))
            : "no coordinator answered in time");
  }
  return end == agent::AgentEnd::no_lease ? exit_failed : exit_done;
}

// Empty: nothing.
std::string wrong_words(const AgentCommandOptions& options) {
  if (!options.once && (options.background || !options.token.empty())) {
    return "--background and --token are for --once";
  }
  if (options.tag.empty() != options.owner.empty() ||
      (options.token.empty() && !options.owner.empty())) {
    return "--tag and --owner go together, with --token";
  }
  if (options.stdio && (!options.once || options.background)) {
    return "--stdio is for --once, and not with --background";
  }
  if (options.connect_within && !options.background) {
    return "--connect-within is for --background";
  }
  if (options.connect_within && *options.connect_within > options.lease) {
    return fmt::format("--connect-within {}: not longer than the lease of {} (--lease)",
                       format_duration(*options.connect_within), format_duration(options.lease));
  }
  return is_token(options.token) ? "" : "--token TOKEN: up to 64 letters and digits";
}

// Of a deploy that says what it is.
std::optional<host::DeployLock> lock_of(const AgentCommandOptions& options,
                                        const agent::AgentOptions& agent) {
  if (options.token.empty() || options.tag.empty() || options.owner.empty() || agent.apps.empty()) {
    return std::nullopt;
  }
  const std::string& place = agent.apps.front().to;
  return host::DeployLock{.token = options.token,
                          .app = place,
                          .tag = options.tag,
                          .owner = options.owner,
                          .why = fmt::format("deploy of {} to {}", options.tag, place),
                          .origin = options.origin};
}

// Whoever started it in the background was told what there was to tell.
class BackgroundLog {
 public:
  explicit BackgroundLog(std::string path) : path_(std::move(path)) {}
  BackgroundLog(const BackgroundLog&) = delete;
  BackgroundLog& operator=(const BackgroundLog&) = delete;
  ~BackgroundLog() { unlink(path_.c_str()); }

 private:
  std::string path_;
};

Result<int> run_agent(const AgentCommandOptions& options, CommandContext& context) {
  if (std::string wrong = wrong_words(options); !wrong.empty()) {
    return context.wrong_usage(std::move(wrong));
  }
  Result<AgentInput> input = agent_input_of(options, context);
  if (!input) {
    return fail(input.error());
  }
  Result<agent::StdioEnds> stdio = options.stdio ? take_standard_streams(input->options)
                                                 : Result<agent::StdioEnds>(agent::StdioEnds{});
  if (!stdio) {
    return fail(stdio.error());
  }
  const Result<std::string> program = host::own_program_path();
  if (!program) {
    return fail(program.error());
  }
  FileReload reload(options.config_path);
  const WorkOptions work{.mode = options.background ? RunMode::worker : RunMode::foreground,
                         .log_name = options.token.empty() ? "agent" : "agent-" + options.token};
  const std::string run_directory = host::choose_run_directory(context.run_directory);
  const agent::OnceTimes times = agent::once_times(options.connect_within, options.lease);
  return run_work(context, work, [&](host::Parent& parent) -> Result<int> {
    std::optional<BackgroundLog> log;
    if (options.background) {
      log.emplace(fmt::format("{}/{}.log", run_directory, work.log_name));
    }
    agent::AgentEnd end = agent::AgentEnd::stopped;
    std::string loss;
    {
      agent::AgentRun run{.options = input->options,
                          .keys = input->keys,
                          .program = *program,
                          .once = std::nullopt,
                          .reload = options.once ? nullptr : &reload};
      if (options.once) {
        if (Status cleared = agent::clear_once_places(run_directory, input->options); !cleared) {
          return fail(cleared.error());
        }
        run.once =
            agent::OnceRun{.lease = options.lease,
                           .connect_max = options.background ? times.connect_max : Duration::zero(),
                           .reach_max = times.reach_max,
                           .tells_parent = options.background,
                           .key_lines = input->key_lines,
                           .run_directory = run_directory,
                           .lock = lock_of(options, input->options),
                           .stdio = options.stdio ? &*stdio : nullptr};
      }
      Result<std::unique_ptr<agent::AgentProcess>> process =
          agent::AgentProcess::create(run, parent);
      if (!process) {
        return fail(process.error());
      }
      end = (*process)->run();
      loss = (*process)->last_loss();
    }
    if (end == agent::AgentEnd::restart) {
      if (Status begun = begin_again(*program); !begun) {
        return fail(begun.error());
      }
    }
    return outcome_of(end, loss, input->options, times.reach_max);
  });
}

}  // namespace

void add_agent_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<AgentCommandOptions>(
      app, context,
      {.name = "agent",
       .description = "Do on this host what a coordinator wants: fetch, activate, check, report",
       .details = "The agent connects to one of its coordinators, and stays connected. It is told "
                  "which release of each app is wanted, fetches it from other hosts, verifies it, "
                  "activates it when told to, checks its health, and goes back to the release "
                  "before when that fails.\n\n"
                  "Everything that it runs and every place that it writes to is named in its "
                  "configuration; what comes over the network is neither a path nor a command. "
                  "What it begins it notes down first: killed at any moment, it continues where it "
                  "was.\n\n"
                  "SIGHUP has it read its configuration again, and so has a new program in its "
                  "place, which it finds within a minute: it then begins again as the same "
                  "process, while downloads continue. SIGTERM ends it; downloads end, and what "
                  "they fetched is used when it is started again.\n\n"
                  "As a service of the packages it is `murder-agent.service`.",
       .example = "murder agent --config /etc/murder/agent.toml",
       .exit_statuses = {{"0", "It was asked to end."},
                         {"1",
                          "It could not begin, or (with --once) no coordinator renewed its lease; "
                          "standard error says why."},
                         {"2", "The command line is wrong."}},
       .files = {{"/etc/murder/agent.toml", "Its configuration, see `agent.toml`(5)."},
                 {"/var/lib/murder-agent", "What it keeps, for root alone."}},
       .see_also = {"agent.toml(5)", "murder-agent(8)", "murder-peer(1)", "murder-activate(1)",
                    "murder-tracker(1)"},
       .has_telling_exit_code = true},
      run_agent);
  command.add_option("--config", options.config_path, "Read agent.toml; SIGHUP reads it again")
      .type_name("FILE")
      .show_default();
  command.add_flag("--once", options.once,
                   "Read the configuration from standard input (a fleet key in a line in front of "
                   "it closes the deploy), and end when its coordinator says so, or when none was "
                   "heard for 2 minutes; nothing is left then but releases");
  command.add_flag("--background", options.background,
                   "With --once: return when a coordinator was heard; it continues in the "
                   "background");
  command.add_duration("--connect-within", options.connect_within,
                       "With --background: how long a connection to a coordinator is tried "
                       "before the command fails, and nothing of it is left; 20s, and --lease at "
                       "most");
  command.add_flag("--stdio", options.stdio,
                   "With --once: have whoever starts it pass frames on by standard input and "
                   "output (`murder relay`), where this host does not reach the coordinator. The "
                   "configuration is the first frame then");
  command.add_option("--token", options.token,
                     "With --once: names the deploy, of which several may be at work on a host");
  command.add_option("--tag", options.tag,
                     "With --token: the release of the deploy, whose lock is held on this host "
                     "while a coordinator is heard");
  command.add_option("--owner", options.owner, "With --tag: who deploys, user@host");
  command.add_option("--origin", options.origin, "With --tag: the process that deploys");
  command.add_duration("--lease", options.lease,
                       "With --once: end when no coordinator was heard for this long, instead of "
                       "2 minutes");
}

}  // namespace murder::cli
