#include "cli/fleet/reach/make_launcher.h"

#include <fmt/format.h>

#include <cstdlib>

#include "cli/fleet/plan/shell_words.h"
#include "cli/fleet/reach/launchers.h"

namespace murder::fleet {
namespace {

constexpr std::string_view exec_prefix = "exec:";

std::string chosen_ssh(const LauncherOptions& options) {
  const char* variable = std::getenv("MURDER_SSH");
  if (!options.ssh_command.empty() || variable == nullptr) {
    return options.ssh_command;
  }
  return variable;
}

Result<std::unique_ptr<Launcher>> make_exec(const std::string& command_template,
                                            const Inventory& inventory) {
  const bool has_host = command_template.find("{host}") != std::string::npos ||
                        command_template.find("{address}") != std::string::npos;
  if (!has_host || command_template.find("{command}") == std::string::npos) {
    return fail(ErrorCode::invalid_input,
                fmt::format("--launcher exec:{}: it needs {{host}} and {{command}}, as in "
                            "exec:'ssh {{host}} {{command}}'",
                            command_template));
  }
  return std::make_unique<ExecLauncher>(command_template, inventory);
}

}  // namespace

Result<std::vector<std::string>> ssh_words(const std::string& command) {
  if (command.find_first_not_of(" \t\r\n") == std::string::npos) {
    return std::vector<std::string>{"ssh"};
  }
  if (needs_shell(command)) {
    return std::vector<std::string>{"sh", "-c", command + " \"$@\"", "ssh"};
  }
  return split_words(command);
}

Result<std::unique_ptr<Launcher>> make_launcher(const LauncherOptions& options,
                                                const Inventory& inventory) {
  if (options.launcher.starts_with(exec_prefix)) {
    return make_exec(options.launcher.substr(exec_prefix.size()), inventory);
  }
  const std::string ssh = chosen_ssh(options);
  Result<std::vector<std::string>> ssh_command = ssh_words(ssh);
  if (!ssh_command) {
    return fail(ssh_command.error().code, fmt::format("--ssh: {}", ssh_command.error().text));
  }
  SshLauncher::Options ssh_options{.command = std::move(*ssh_command),
                                   .connect_timeout = options.connect_timeout,
                                   .run_directory = options.run_directory};
  if (options.launcher == "ssh") {
    return std::make_unique<SshLauncher>(std::move(ssh_options), inventory);
  }
  Result<std::vector<std::string>> words = split_words(options.launcher);
  if (words && !words->empty() && words->front() == "clush") {
    TreeLauncher::Options tree_options{.command = std::move(*words),
                                       .ssh_command = ssh,
                                       .connect_timeout = options.connect_timeout};
    return std::make_unique<TreeLauncher>(
        std::move(tree_options), SshLauncher(std::move(ssh_options), inventory), inventory);
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("--launcher {}: there are ssh, clush and exec:'COMMAND {{host}} "
                          "{{command}}'",
                          options.launcher));
}

}  // namespace murder::fleet
