#include "cli/control/coordinator_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "cli/fleet/config.h"
#include "engine/base/printable.h"
#include "engine/tls/server_trust.h"

namespace murder::cli {
namespace {

constexpr uint16_t port_default = 8998;
constexpr const char* coordinator_default = "127.0.0.1";
constexpr const char* group = "Coordinator";
constexpr std::string_view ssh_scheme = "ssh://";
constexpr size_t coordinators_max = 16;
constexpr const char* coordinator_variable = "MURDER_COORDINATOR";

// Of a host name, a user or an address: what neither a shell nor ssh reads as anything else.
bool is_plain_word(std::string_view text) {
  constexpr std::string_view marks = "._-:[]%";
  return !text.empty() && text.front() != '-' && text.size() <= 255 &&
         std::all_of(text.begin(), text.end(), [&](char each) {
           return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
                  (each >= '0' && each <= '9') || marks.find(each) != std::string_view::npos;
         });
}

tl::unexpected<Error> wrong_place(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_input,
              fmt::format("coordinator '{}': {}", printable_value(text.substr(0, 100)), why));
}

Result<codec::ServerPlace> parse_host(std::string_view text) {
  Result<codec::ServerPlace> place = codec::ServerPlace::parse(text, port_default);
  if (!place && text.starts_with("https://")) {
    return wrong_place(text, place.error().text);
  }
  if (!place || !is_plain_word(place->host)) {
    return wrong_place(
        text, "write HOST:PORT, https://HOST:PORT, or ssh://HOST to run the command there");
  }
  if (const auto pins = tls::parse_pins(place->pins); !pins) {
    return wrong_place(text, pins.error().text);
  }
  return place;
}

Result<SshPlace> parse_ssh(std::string_view whole) {
  std::string_view text = whole.substr(ssh_scheme.size());
  SshPlace place{.destination = {},
                 .port = {},
                 .coordinator = {{.host = coordinator_default, .port = port_default}}};
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    if (slash + 1 < text.size()) {
      const Result<codec::ServerPlace> coordinator = parse_host(text.substr(slash + 1));
      if (!coordinator) {
        return fail(coordinator.error());
      }
      place.coordinator = *coordinator;
    }
    text = text.substr(0, slash);
  }
  std::string user;
  if (const size_t at = text.find('@'); at != std::string_view::npos) {
    user = text.substr(0, at);
    text.remove_prefix(at + 1);
    if (!is_plain_word(user)) {
      return wrong_place(whole, "write ssh://[USER@]HOST[:PORT][/COORDINATOR]");
    }
  }
  const std::optional<HostPort> host = HostPort::parse(text, 0);
  if (!host || !is_plain_word(host->host)) {
    return wrong_place(whole, "write ssh://[USER@]HOST[:PORT][/COORDINATOR]");
  }
  place.destination = user.empty() ? host->host : fmt::format("{}@{}", user, host->host);
  place.port = host->port == 0 ? "" : fmt::format("{}", host->port);
  return place;
}

std::vector<std::string> split(const std::vector<std::string>& lists) {
  std::vector<std::string> words;
  for (std::string_view rest : lists) {
    while (!rest.empty()) {
      const size_t end = std::min(rest.find_first_of(", "), rest.size());
      const bool is_pin = rest.starts_with("SHA256:") && !words.empty();
      if (is_pin) {
        words.back() += fmt::format(",{}", rest.substr(0, end));  // a further one of the last
      } else if (end > 0) {
        words.emplace_back(rest.substr(0, end));
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return words;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

void add_coordinator_options(ArgumentParser command, CoordinatorOptions& options) {
  command
      .add_option(
          "--coordinator", options.coordinators,
          "The coordinator, or https://HOST:PORT[#pin=...]; may be repeated: the first that\n"
          "answers is asked. "
          "ssh://HOST runs the command there (default:\n"
          "$MURDER_COORDINATOR, else coordinator of murder.toml, else 127.0.0.1:8998)")
      .type_name("HOST:PORT")
      .one_value_each_time()
      .completes(ValueKind::tracker)
      .group(group);
  command
      .add_option("--operator-key", options.operator_key_path,
                  "The key file that gives the right to do this at a closed coordinator\n"
                  "(murder key new-operator; default: /etc/murder/fleet.key, if it can be read)")
      .type_name("FILE")
      .group(group);
  command
      .add_option("--ssh", options.ssh,
                  "The command in place of ssh, for ssh://HOST (default: $MURDER_SSH, else ssh)")
      .type_name("COMMAND")
      .group(group);
  command
      .add_option("--config", options.config_path,
                  "Where coordinator is read (default: ./murder.toml, if it is there)")
      .type_name("FILE")
      .group(group);
}

Result<CoordinatorPlaces> parse_coordinators(const std::vector<std::string>& words) {
  CoordinatorPlaces places;
  for (const std::string& word : split(words)) {
    if (word.starts_with(ssh_scheme)) {
      Result<SshPlace> ssh = parse_ssh(word);
      if (!ssh) {
        return fail(ssh.error());
      }
      if (places.ssh) {
        return wrong_place(word, "one host to run the command at is enough");
      }
      places.ssh = std::move(*ssh);
      continue;
    }
    const Result<codec::ServerPlace> place = parse_host(word);
    if (!place) {
      return fail(place.error());
    }
    if (std::ranges::find(places.coordinators, *place) == places.coordinators.end()) {
      places.coordinators.push_back(*place);
    }
  }
  if (places.ssh && !places.coordinators.empty()) {
    return wrong_place(words.front(),
                       "ssh:// and HOST:PORT do not go together; write ssh://HOST/HOST:PORT for a "
                       "coordinator as that host reaches it");
  }
  if (places.coordinators.size() > coordinators_max) {
    return fail(ErrorCode::limit, fmt::format("at most {} coordinators", coordinators_max));
  }
  return places;
}

Result<CoordinatorPlaces> coordinators_of(const CoordinatorOptions& options,
                                          CommandContext& context) {
  std::vector<std::string> words = options.coordinators;
  std::string origin;
  if (words.empty()) {
    words = split({variable(coordinator_variable)});
    origin = words.empty() ? "" : fmt::format("as {} says", coordinator_variable);
  }
  // The file is read where it can say something: one that is broken is nobody's business otherwise.
  const bool needs_file =
      words.empty() || !options.config_path.empty() || words.front().starts_with(ssh_scheme);
  fleet::Config config;
  if (needs_file) {
    Result<fleet::Config> loaded = fleet::load_config(options.config_path);
    if (!loaded) {
      return loaded.error().code == ErrorCode::invalid_input
                 ? context.wrong_usage(loaded.error().text)
                 : fail(loaded.error());
    }
    config = std::move(*loaded);
  }
  if (words.empty()) {
    words = config.coordinators;
    origin = words.empty() ? "" : "as coordinator of murder.toml says";
  }
  if (words.empty()) {
    words = {coordinator_default};
    origin = "the default: --coordinator HOST:PORT names another";
  }
  Result<CoordinatorPlaces> places = parse_coordinators(words);
  if (!places) {
    return context.wrong_usage(places.error().text);
  }
  places->origin = std::move(origin);
  const std::string ssh_variable = variable("MURDER_SSH");
  places->ssh_command = options.ssh             ? *options.ssh
                        : !ssh_variable.empty() ? ssh_variable
                                                : config.reach.ssh.value_or("");
  return places;
}

}  // namespace murder::cli
