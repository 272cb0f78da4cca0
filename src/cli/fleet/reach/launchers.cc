#include "cli/fleet/reach/launchers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/fleet/plan/shell_words.h"
#include "cli/fleet/reach/labelled_output.h"

namespace murder::fleet {
namespace {

constexpr int hosts_fd_number = 3;  // of Launch::hosts_text
// A master that has nothing to do ends after this, should nobody tell it to.
constexpr int control_persist_s = 60;
// A host that went away in the middle of a command is noticed after their product.
constexpr int alive_interval_s = 15;
constexpr int alive_count = 4;

int64_t whole_seconds(Duration duration) {
  return std::max<int64_t>(std::chrono::ceil<std::chrono::seconds>(duration).count(), 1);
}

// What ssh is told in any case. Nobody is there to answer its questions (BatchMode). What an
// ssh_config says for sessions of a person does not hold for ours: another command than ours would
// be an error of ssh, forwarded ports would be bound once for each host, a session without standard
// input, or in the background, would run nothing of what is sent to it, a command of this machine
// would read that input, and other levels of its log have no reason of a failure, or hide it.
std::vector<std::string> common_options(Duration connect_timeout) {
  return {"BatchMode=yes",
          fmt::format("ConnectTimeout={}", whole_seconds(connect_timeout)),
          fmt::format("ServerAliveInterval={}", alive_interval_s),
          fmt::format("ServerAliveCountMax={}", alive_count),
          "RemoteCommand=none",
          "ClearAllForwardings=yes",
          "SessionType=default",
          "StdinNull=no",
          "PermitLocalCommand=no",
          "ForwardX11=no",
          "LogLevel=INFO",
          "ForkAfterAuthentication=no"};
}

std::string value_of(std::string_view name, const Host& host, std::string_view command) {
  if (name == "command") {
    return std::string(command);
  }
  if (name == "port") {
    return host.port == 0 ? "" : fmt::format("{}", host.port);
  }
  return name == "host"      ? host.name
         : name == "address" ? host.address
         : name == "user"    ? host.user
         : name == "ip"      ? host.ip
                             : host.rack;
}

}  // namespace

Result<Launch> SshLauncher::launch(const LaunchRequest& request) {
  const HostIndex index = request.hosts.front();
  const Host& host = inventory_.at(index);
  Launch launch{.arguments = options_.command};
  std::vector<std::string>& words = launch.arguments;
  words.emplace_back("-T");
  std::vector<std::string> settings = common_options(options_.connect_timeout);
  if (inventory_.hosts.size() <= limits::shared_connections_max) {
    if (!shared_) {
      Result<SharedConnections> made = SharedConnections::create(options_.run_directory);
      if (!made) {
        return fail(made.error());
      }
      shared_.emplace(std::move(*made));
    }
    settings.emplace_back("ControlMaster=auto");
    settings.push_back(fmt::format("ControlPersist={}", control_persist_s));
    settings.push_back("ControlPath=" + shared_->control_path(index));
  }
  for (const std::string& setting : settings) {
    words.insert(words.end(), {"-o", setting});
  }
  if (host.port != 0) {
    words.insert(words.end(), {"-p", fmt::format("{}", host.port)});
  }
  if (!host.user.empty()) {
    words.insert(words.end(), {"-l", host.user});
  }
  words.insert(words.end(), {"--", host.address, std::string(request.command)});
  return launch;
}

bool TreeLauncher::go_together(const Host& one, const Host& other) const {
  // clush tells hosts apart by their address.
  return one.port == other.port && one.user == other.user && one.address != other.address;
}

Result<Launch> TreeLauncher::launch(const LaunchRequest& request) {
  if (request.hosts.size() == 1) {
    return alone_.launch(request);
  }
  const Host& first = inventory_.at(request.hosts.front());
  Launch launch{.arguments = options_.command, .is_labelled = true};
  for (const HostIndex index : request.hosts) {
    launch.hosts_text += inventory_.at(index).address + '\n';
  }
  std::vector<std::string> ssh_options;
  for (const std::string& setting : common_options(options_.connect_timeout)) {
    ssh_options.push_back("-o" + setting);
  }
  if (first.port != 0) {
    ssh_options.push_back(fmt::format("-p{}", first.port));
  }
  std::vector<std::string>& words = launch.arguments;
  words.insert(words.end(), {"--color=never", fmt::format("--hostfile=/dev/fd/{}", hosts_fd_number),
                             "-f", fmt::format("{}", request.forks), "-t",
                             fmt::format("{}", whole_seconds(options_.connect_timeout)), "-u",
                             fmt::format("{}", request.command_timeout > Duration{}
                                                   ? whole_seconds(request.command_timeout)
                                                   : 0),
                             "-o", quote_words(ssh_options)});
  if (!options_.ssh_command.empty()) {
    words.insert(words.end(), {"-O", "ssh_path=" + options_.ssh_command});
  }
  if (!first.user.empty()) {
    words.insert(words.end(), {"-l", first.user});
  }
  if (!request.has_input) {
    words.emplace_back("--nostdin");
  }
  words.insert(words.end(), {"--", with_exit_mark(request.command)});
  return launch;
}

Result<Launch> ExecLauncher::launch(const LaunchRequest& request) {
  const Host& host = inventory_.at(request.hosts.front());
  std::string line;
  std::string_view rest = template_;
  while (!rest.empty()) {
    const size_t open = std::min(rest.find('{'), rest.size());
    line += rest.substr(0, open);
    rest.remove_prefix(open);
    const size_t close = rest.find('}');
    const std::string_view name =
        close == std::string_view::npos ? "" : rest.substr(1, close == 0 ? 0 : close - 1);
    static constexpr std::array<std::string_view, 7> names = {"host", "address", "command", "port",
                                                              "user", "ip",      "rack"};
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      line += quote_word(value_of(name, host, request.command));
      rest.remove_prefix(close + 1);
    } else if (!rest.empty()) {
      line += rest.front();  // a brace that is the shell's
      rest.remove_prefix(1);
    }
  }
  return Launch{.arguments = {"sh", "-c", std::move(line)}};
}

}  // namespace murder::fleet
