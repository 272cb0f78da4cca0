#include "cli/fleet/task_options.h"

#include <fmt/format.h>

#include <cstdlib>

#include "engine/base/printable.h"
#include "engine/base/tag.h"
#include "engine/base/utf8.h"

namespace murder::fleet {

void add_tag_option(cli::ArgumentParser command, TaskOptions& options) {
  command.add_option("--tag", options.tag, "The release, also tag=NAME (default: default_tag)")
      .type_name("NAME")
      .completes(cli::ValueKind::any_tag);
}

void add_temp_path_option(cli::ArgumentParser command, TaskOptions& options) {
  command
      .add_option("--temp-path", options.temp_path,
                  "Where archives and torrents are, on hosts and here (default:\n"
                  "the environment variable temp_path, default_temp_path, /tmp)")
      .type_name("DIR");
}

void add_path_is_file_option(cli::ArgumentParser command, TaskOptions& options) {
  command.add_flag("--path-is-file", options.path_is_file,
                   "The release is a file: its archive is TEMP/TAG");
}

void add_signing_options(cli::ArgumentParser command, TaskOptions& options) {
  cli::add_sign_option(command, options.signing,
                       "Sign the release, on this machine, with the private key of this file or\n"
                       "the public one of a key that the ssh-agent has (default: sign_key of\n"
                       "murder.toml, with which every release is signed, else the agent's first)");
  cli::add_statement_options(command, options.signing);
}

void add_peering_options(cli::ArgumentParser command, PeeringOptions& options) {
  command.add_duration("--stall-timeout", options.stall_timeout,
                       "A peer gives up when no data was received for this long; default 2m");
  command.add_duration("--timeout", options.timeout, "Of the whole download; default 1h");
}

void add_limit_options(cli::ArgumentParser command, LinkLimits& limits) {
  command.add_rate("--upload-limit", limits.upload,
                   "Each host sends at most this much a second (400MB, 2gbit); default: no limit");
  command.add_rate("--download-limit", limits.download,
                   "Each host receives at most this much a second; default: no limit");
}

std::string local_path(const std::string& path) {
  const char* home = std::getenv("HOME");
  const bool is_in_home = path == "~" || path.starts_with("~/");
  return is_in_home && home != nullptr ? home + path.substr(1) : path;
}

std::string first_of(const std::string& option, const std::string& variable) {
  return option.empty() ? variable : option;
}

Result<std::string> destination_of(const std::string& option, const Variables& variables) {
  std::string path = first_of(option, variables.default_destination_path);
  if (path.empty()) {
    return fail(ErrorCode::invalid_input,
                "say which directory of the hosts is meant: --to DIR (a release goes to DIR/TAG)");
  }
  if (!path.starts_with('/') && path != "~" && !path.starts_with("~/")) {
    return fail(ErrorCode::invalid_input,
                fmt::format("--to {}: write the whole path on the hosts, from / or from ~/", path));
  }
  // Records, and what hosts are told, are JSON.
  if (!is_utf8(path)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("--to {}: its bytes are not UTF-8: name another directory",
                            printable_value(path)));
  }
  return path;
}

Result<std::string> tag_of(const std::string& option, const Variables& variables) {
  const std::string tag = first_of(option, variables.default_tag);
  if (tag.empty()) {
    return fail(ErrorCode::invalid_input, "say which release is meant: --tag NAME (or tag=NAME)");
  }
  if (Status valid = validate_tag(tag); !valid) {
    return fail(valid.error());
  }
  return tag;
}

}  // namespace murder::fleet
