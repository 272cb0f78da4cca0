#include "cli/fleet/seeding.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "cli/fleet/deploy_key.h"
#include "cli/fleet/file_with_more.h"
#include "cli/fleet/passed_options.h"
#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/reach/make_launcher.h"
#include "engine/archive/piece_size.h"
#include "engine/host/control.h"
#include "engine/host/own_program.h"
#include "engine/trust/base64.h"

namespace murder::fleet {
namespace {

constexpr std::string_view seed_stage = "start-seeding";
// Base64 makes a third more of it, and quoting for the shell nothing (command_bytes_max).
constexpr size_t torrent_in_command_max = 48 * 1024;

const Json* process_in(const Json& status, std::string_view kind) {
  if (!status.is_object() || !status.contains("processes")) {
    return nullptr;
  }
  for (const Json& process : status["processes"]) {
    if (text_member(process, "kind") == kind) {
      return &process;
    }
  }
  return nullptr;
}

std::string status_command(const Work& work, const std::string& tag) {
  return CommandLine::murder(murder_path_of(work), "status").word(tag).flag("--json").text();
}

HostFailure failure(const Work& work, HostIndex host, std::string_view stage, std::string reason) {
  return {.host = host,
          .name = work.inventory().at(host).name,
          .stage = std::string(stage),
          .outcome = std::string(outcome_name(Outcome::failed)),
          .reason = std::move(reason)};
}

}  // namespace

uint32_t hosts_expected_in(const Inventory& inventory) {
  return std::clamp(static_cast<uint32_t>(inventory.peers.size()), 1U, archive::hosts_expected_max);
}

std::string create_command(const Work& work, const std::string& source, const std::string& tag,
                           const std::string& temp_path, uint32_t hosts_expected, bool no_sync,
                           bool tells_sha256, const cli::PackingOptions& packing) {
  CommandLine line = CommandLine::murder(murder_path_of(work), "create");
  line.path(source).option("--tag", tag);
  for (const std::string& url : work.inventory().tracker_urls()) {
    line.option("--tracker", url);
  }
  line.path_option("--temp-path", temp_path);
  line.option("--hosts-expected", fmt::format("{}", hosts_expected));
  pass_on(packing, line);
  return line.flag("--force")
      .flag("--no-sync", no_sync)
      .flag("--digest", tells_sha256)
      .flag("--quiet")
      .flag("--json")
      .text();
}

Result<std::unique_ptr<Work>> work_on_this_machine(Work& work, const std::string& directory) {
  const Result<std::string> program = host::own_program_path();
  if (!program) {
    return fail(program.error());
  }
  const std::string link = directory + "/murder";
  if (symlink(program->c_str(), link.c_str()) != 0) {
    return fail_errno(errno, "cannot make " + link);
  }
  Fleet fleet{.inventory = std::make_unique<Inventory>()};
  const HostIndex here{0};
  fleet.inventory->hosts.push_back({.name = "this machine", .address = "localhost"});
  fleet.inventory->seeders.push_back(here);
  fleet.inventory->variables = work.variables();
  fleet.inventory->variables.remote_murder_path = directory;
  auto launcher = make_launcher({.launcher = "exec:exec sh -c {command} {host}",
                                 .run_directory = work.context().run_directory},
                                *fleet.inventory);
  if (!launcher) {
    return fail(launcher.error());
  }
  fleet.launcher = std::move(*launcher);
  fleet.run.command_timeout = work.fleet().run.command_timeout;
  return std::make_unique<Work>(std::move(fleet), work.context(), "this machine",
                                &work.interrupts());
}

std::vector<HostIndex> check_idle(Work& work, std::span<const HostIndex> seeders,
                                  const std::string& tag) {
  std::vector<HostIndex> idle;
  for (const HostResult& result :
       work.run_and_note(seeders, {.stage = std::string(seed_stage)},
                         [&](const Host&) { return status_command(work, tag); })) {
    const Json status = json_output(result);
    const Json* seeder = process_in(status, host::kind_seeder);
    if (seeder == nullptr) {
      idle.push_back(result.host);
      continue;
    }
    work.note_failure(failure(
        work, result.host, seed_stage,
        fmt::format("{} is served there already (pid {}): `murder stop {} --seeding` ends it", tag,
                    count_member(*seeder, "pid"), tag)));
  }
  return idle;
}

std::string seeding_command(const Work& work, HostIndex host, const SeedCommand& command) {
  const PackedRelease& release = command.release;
  const std::string& name = release.torrent.name;
  const Host& here = work.inventory().at(host);
  CommandLine seed = CommandLine::murder(murder_path_of(work), "seed");
  seed.word("-").path(fmt::format("{}/{}", command.directory, name));
  seed.option("--end-when-idle", seconds_text(abandoned_after));
  seed.flag("--ends-with-deploy", command.ends_with_deploy);
  seed.flag("--keep-temp-files", command.ends_with_deploy && command.keeps_archive);
  seed.flag("--background").flag("--quiet").flag("--json");
  const std::string label = work.label_of(here);
  seed.identity({.ip = here.ip,
                 .rack = here.rack,
                 .label = label,
                 .peer_port = work.variables().peer_port,
                 .limits = command.limits,
                 .transport = work.variables().transport});
  std::string before;
  if (command.ends_another) {
    before = CommandLine::murder(murder_path_of(work), "stop")
                 .word(command.tag)
                 .flag("--seeding")
                 .flag("--if-running")
                 .flag("--quiet")
                 .text() +
             " >/dev/null && ";
  }
  if (!command.receives) {
    return before.empty() ? seed.text() : CommandLine::script(before + seed.text()).text();
  }
  const bool goes_along = !command.torrent_follows && !command.has_key &&
                          release.torrent.bytes.size() <= torrent_in_command_max;
  return receive_and_run_command(
      {.remote_murder_path = murder_path_of(work),
       .directory = command.directory,
       .name = name,
       .size_bytes = release.archive_bytes,
       .no_sync = command.no_sync,
       .before = before,
       .input_base64 = goes_along ? trust::encode_base64(release.torrent.bytes) : std::string(),
       .command = goes_along || command.torrent_follows ? seed.text() : std::string(),
       .input_follows = command.torrent_follows});
}

Result<SeederInput> seeder_input_of(const PackedRelease& release, std::string_view key,
                                    io::Fd& archive) {
  SeederInput input{.torrent = with_deploy_key(key, release.torrent.bytes)};
  input.torrent_follows =
      archive.is_open() && !key.empty() && release.archive_bytes <= archive_soon_there_bytes;
  if (input.torrent_follows) {
    Result<io::Fd> both = file_with_more_behind(archive.get(), input.torrent);
    if (!both) {
      return fail(both.error());
    }
    archive = std::move(*both);
  }
  return input;
}

SeederContact contact_of(const Json& told) {
  // Of `murder seed` itself, or a process in `murder status`.
  const Json* seeder = process_in(told, host::kind_seeder);
  const Json& details = seeder != nullptr ? (*seeder)["details"] : told;
  return {.is_known = count_member(details, "trackers_working") > 0,
          .trouble = text_member(details, "tracker_trouble", "no tracker answered it")};
}

std::string seeder_status_command(const Work& work, const std::string& tag) {
  return status_command(work, tag);
}

std::vector<HostIndex> start_seeders(Work& work, std::span<const HostIndex> seeders,
                                     const PackedRelease& release, const std::string& tag,
                                     const std::string& directory, const LinkLimits& limits,
                                     std::vector<HostIndex>& touched, std::string_view key) {
  const std::string input = with_deploy_key(key, release.torrent.bytes);
  const Step step{.stage = std::string(seed_stage), .input = input};
  std::vector<HostIndex> waiting;
  for (const HostIndex host : seeders) {
    const std::string command = seeding_command(
        work, host, {.release = release, .tag = tag, .directory = directory, .limits = limits});
    for (const HostResult& result :
         work.run(std::span(&host, 1), step, [&](const Host&) { return command; })) {
      if (result.outcome != Outcome::not_started) {
        touched.push_back(result.host);
      }
      if (result.is_ok()) {
        waiting.push_back(result.host);
      } else {
        work.note_failure(result);
      }
    }
  }
  std::vector<HostIndex> known;
  std::string trouble;
  const auto deadline = std::chrono::steady_clock::now() + seeder_contact_timeout;
  while (!waiting.empty() && !work.is_interrupted()) {
    std::vector<HostIndex> still;
    for (const HostResult& result :
         work.run(waiting, {.stage = std::string(seed_stage)},
                  [&](const Host&) { return status_command(work, tag); })) {
      const SeederContact contact = contact_of(json_output(result));
      trouble = contact.trouble;
      (contact.is_known ? known : still).push_back(result.host);
    }
    waiting = std::move(still);
    if (waiting.empty() || std::chrono::steady_clock::now() >= deadline) {
      break;
    }
    std::this_thread::sleep_for(seeder_look_interval);
  }
  for (const HostIndex host : waiting) {
    if (!work.is_interrupted()) {
      work.note_failure(failure(work, host, seed_stage, trouble));
    }
  }
  return known;
}

}  // namespace murder::fleet
