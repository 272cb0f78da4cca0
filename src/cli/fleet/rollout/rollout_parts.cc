#include "cli/fleet/rollout/rollout_parts.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>

#include "cli/fleet/deploy_lock_text.h"
#include "cli/fleet/own_process.h"
#include "cli/fleet/rollout/agent_start.h"
#include "cli/fleet/steps.h"
#include "engine/control/names.h"
#include "engine/host/control.h"
#include "engine/host/deploy_locks.h"
#include "engine/trust/base64.h"
#include "engine/trust/statement.h"

namespace murder::fleet {
namespace {

constexpr size_t typed_bytes_max = 256;

}  // namespace

std::string deploy_app_name(const std::string& application) {
  const bool is_name =
      control::validate_name(application, "app") && trust::validate_application(application);
  return is_name ? application : "deploy";
}

SeederStep seeder_step_of(const Json& leased, const std::string& tag) {
  SeederFound found;
  for (const Json& process : leased["processes"]) {
    if (text_member(process, "kind") == host::kind_seeder && text_member(process, "tag") == tag) {
      found.runs = true;
    }
  }
  // One that an earlier deploy left knows another tracker.
  found.is_ours = host::lock_of(leased["lock"]).owns_seeder;
  return seeder_step(found, "");
}

char typed_answer(DeployRun& run, const Json& ended) {
  constexpr int look_ms = 200;
  const Interrupts& interrupts = run.work.interrupts();
  std::string typed;
  while (typed.find('\n') == std::string::npos && typed.size() < typed_bytes_max) {
    pollfd source{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&source, 1, look_ms);
    if (interrupts.cleaning_up().is_set() || interrupts.is_hangup()) {
      return 'l';
    }
    if (ready <= 0) {
      run.runner.step();  // what it tells meanwhile is read
      if (!ended.is_null()) {
        return 'w';  // it is over
      }
      continue;
    }
    std::array<char, typed_bytes_max> part{};
    const ssize_t size = ::read(STDIN_FILENO, part.data(), part.size());
    if (size <= 0) {
      return 'l';
    }
    typed.append(part.data(), static_cast<size_t>(size));
  }
  return typed.front();
}

std::string coordinate_command_of(const DeployRun& run, const CoordinateWords& words) {
  CommandLine line = CommandLine::murder(murder_path_of(run.work), "coordinate");
  line.word(run.options.tag)
      .option("--app", run.options.destination_path)
      .option("--token", run.token)
      .option("--owner", user_at_host())
      .option("--origin", encode_origin(own_origin()))
      .option("--port", fmt::format("{}", run.work.variables().tracker_port))
      .path_option("--temp-path", run.options.temp_path)
      .flag("--with-key", words.has_keys)
      .flag("--port-or-end", words.has_other_way)
      .flag("--wait-for-port", words.waits_for_port);
  for (const std::string& token : words.replaced) {
    line.option("--replace", token);
  }
  for (const std::string& token : words.ousted) {
    line.option("--take-over", token);
  }
  return line.flag("--quiet").flag("--json").text();
}

Json release_message_of(const DeployRun& run, const ReleaseWords& words) {
  const DeployOptions& options = run.options;
  Json names = Json::array();
  uint32_t count = 0;
  for (const HostIndex host : run.work.inventory().peers) {
    if (run.at(host).is_peer) {
      names.push_back(agent_name_of(run.work.inventory().at(host), host.raw));
      ++count;
    }
  }
  Json plan = options.rollout->plan;
  if (!plan.contains("max_fail")) {
    plan["max_fail"] = fmt::format("{}", count - words.hosts_needed + 1);
  }
  plan["progress_deadline_s"] = options.stall_timeout / std::chrono::seconds(1);
  plan["allow_older"] = options.placing.allow_older;
  Json message = {{"release", trust::encode_base64(words.release.torrent.bytes)},
                  {"info_hash", words.info_hash},
                  {"coordinator", words.coordinator},
                  {"app", deploy_app_name(options.application)},
                  {"plan", std::move(plan)},
                  {"hosts", std::move(names)},
                  {"needed", words.hosts_needed},
                  {"leaves_laggards", options.quorum.has_value()},
                  {"activates", words.activates},
                  {"attached", options.rollout->is_attached},
                  {"path_is_file", words.release.torrent.name == options.tag},
                  {"keep_temp_files", options.keep_temp_files},
                  {"timeout_s", options.timeout / std::chrono::seconds(1)}};
  if (words.orders.is_array()) {
    message["orders"] = words.orders;
  }
  return message;
}

std::string releases_command_of(const DeployRun& run) {
  return CommandLine::murder(murder_path_of(run.work), "releases")
      .option("--to", run.options.destination_path)
      .flag("--quiet")
      .flag("--json")
      .text();
}

Json placed_tags_of(const Json& releases) {
  Json tags = Json::object();
  for (const auto& [tag, info_hash] : releases["info_hashes"].members()) {
    tags[info_hash.text()] = tag;
  }
  return tags;
}

std::string unlock_command_of(const DeployRun& run, const std::string& info_hash) {
  CommandLine line = CommandLine::murder(murder_path_of(run.work), "unlock");
  line.option("--token", run.token)
      .option("--port", fmt::format("{}", run.work.variables().tracker_port));
  if (!info_hash.empty()) {
    line.option("--after", info_hash);
  }
  return line.flag("--quiet").flag("--json").text();
}

std::string finish_command_of(const DeployRun& run, bool path_is_file) {
  return CommandLine::murder(murder_path_of(run.work), "finish")
      .word(run.options.tag)
      .path_option("--temp-path", run.options.temp_path)
      .flag("--path-is-file", path_is_file)
      .flag("--keep-temp-files", run.options.keep_temp_files)
      .option("--token", run.token)
      .option("--app", run.options.destination_path)
      .flag("--quiet")
      .flag("--json")
      .text();
}

}  // namespace murder::fleet
