#include "cli/fleet/seeding.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "cli/archive_progress.h"
#include "cli/control.h"
#include "cli/fleet/mapped_file.h"
#include "cli/fleet/passed_options.h"
#include "cli/fleet/plan/remote_command.h"
#include "engine/archive/create_release.h"
#include "engine/base/units.h"
#include "engine/io/sockets.h"

namespace murder::fleet {
namespace {

constexpr std::string_view seed_stage = "start-seeding";
constexpr Duration contact_timeout = std::chrono::seconds(20);
constexpr Duration contact_pause = std::chrono::milliseconds(500);

std::string random_mark() {
  uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) < 0) {
    random = static_cast<uint64_t>(getpid());
  }
  return fmt::format("{:012x}", random & 0xFFFFFFFFFFFFU);
}

const cli::Json* process_in(const cli::Json& status, std::string_view kind) {
  if (!status.is_object() || !status.contains("processes")) {
    return nullptr;
  }
  for (const cli::Json& process : status["processes"]) {
    if (cli::text_member(process, "kind") == kind) {
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

Result<PackedRelease> pack_here(Work& work, const std::string& source, const std::string& tag,
                                const std::string& directory,
                                const std::vector<std::string>& tracker_urls,
                                uint32_t hosts_expected, const cli::PackingOptions& packing) {
  cli::ArchiveProgress progress(work.context(), "packing");
  archive::CreateOptions create{.source = source,
                                .tag = tag,
                                .directory = directory,
                                .tracker_urls = tracker_urls,
                                .hosts_expected = hosts_expected,
                                .cancel = &work.cancel()};
  cli::apply(packing, create);
  const Result<archive::CreatedRelease> created = archive::create_release(create, progress);
  progress.clear();
  if (!created) {
    return fail(created.error());
  }
  const Result<MappedFile> file = MappedFile::open(created->torrent_path);
  if (!file) {
    return fail(file.error());
  }
  const Result<LocalTorrent> torrent =
      read_torrent(std::string(file->bytes()), created->torrent_path);
  if (!torrent) {
    return fail(torrent.error());
  }
  work.context().note(fmt::format("packed {}: {} of {}", source,
                                  format_size(created->archive_bytes),
                                  format_size(created->source_bytes)));
  return PackedRelease{*torrent, created->archive_path};
}

Result<PackedRelease> pack_on_seeders(Work& work, const std::string& source, const std::string& tag,
                                      const std::string& temp_path,
                                      std::span<const HostIndex> seeders,
                                      const std::vector<std::string>& tracker_urls,
                                      uint32_t hosts_expected, const cli::PackingOptions& packing) {
  const std::vector<HostResult> results =
      work.run_and_note(seeders, {.stage = "create-torrent"}, [&](const Host&) {
        CommandLine line = CommandLine::murder(murder_path_of(work), "create");
        line.path(source).option("--tag", tag);
        for (const std::string& url : tracker_urls) {
          line.option("--tracker", url);
        }
        line.path_option("--temp-path", temp_path);
        line.option("--hosts-expected", fmt::format("{}", hosts_expected));
        pass_on(packing, line);
        // The archive goes when the deploy ends.
        return line.flag("--force").flag("--no-sync").flag("--quiet").flag("--json").text();
      });
  if (results.size() < seeders.size()) {
    return fail(ErrorCode::io, "the release could not be packed on the seeder");
  }
  const std::string info_hash = cli::text_member(json_output(results.front()), "info_hash");
  for (const HostResult& result : results) {
    if (cli::text_member(json_output(result), "info_hash") != info_hash) {
      return fail(ErrorCode::conflict, fmt::format("{} is not the same on all seeders", source));
    }
  }
  const Result<LocalTorrent> torrent = fetch_torrent(work, seeders.first(1), temp_path, tag);
  if (!torrent) {
    return fail(torrent.error());
  }
  return PackedRelease{*torrent, ""};
}

Result<std::unique_ptr<Work>> work_on_this_machine(Work& work, const std::string& directory) {
  const Result<std::string> program = own_program_path();
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
    const cli::Json status = json_output(result);
    const cli::Json* seeder = process_in(status, cli::kind_seeder);
    if (seeder == nullptr) {
      idle.push_back(result.host);
      continue;
    }
    work.note_failure(failure(
        work, result.host, seed_stage,
        fmt::format("{} is served there already (pid {}), by another deploy or by start-seeding: "
                    "`murder fleet stop-seeding tag={}` ends it",
                    tag, cli::count_member(*seeder, "pid"), tag)));
  }
  return idle;
}

std::vector<HostIndex> send_archive(Work& work, std::span<const HostIndex> seeders,
                                    const PackedRelease& release, const std::string& temp_path,
                                    Duration timeout) {
  const io::Fd fd(open(release.archive_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) {
    const Error error = fail_errno(errno, "cannot open " + release.archive_path).value();
    for (const HostIndex host : seeders) {
      work.note_failure(failure(work, host, "send-archive", error.text));
    }
    return {};
  }
  const std::string command = receive_file_command(temp_path, release.torrent.name, random_mark());
  std::vector<HostIndex> sent;
  for (const HostResult& result : work.run_and_note(
           seeders, {.stage = "send-archive", .input_fd = fd.get(), .timeout = timeout},
           [&](const Host&) { return command; })) {
    sent.push_back(result.host);
  }
  return sent;
}

std::vector<HostIndex> start_seeders(Work& work, std::span<const HostIndex> seeders,
                                     const PackedRelease& release, const std::string& tag,
                                     const std::string& directory, const LinkLimits& limits,
                                     std::vector<HostIndex>& touched) {
  const Step step{.stage = std::string(seed_stage), .input = release.torrent.bytes};
  std::vector<HostIndex> waiting;
  for (const HostResult& result : work.run(seeders, step, [&](const Host& host) {
         CommandLine line = CommandLine::murder(murder_path_of(work), "seed");
         line.word("-").path(directory + "/" + release.torrent.name);
         line.option("--end-when-idle", seconds_text(abandoned_after));
         line.flag("--background").flag("--quiet").flag("--json");
         const std::string label = work.label_of(host);
         return line
             .identity({.ip = host.ip,
                        .rack = host.rack,
                        .label = label,
                        .peer_port = work.variables().peer_port,
                        .limits = limits})
             .text();
       })) {
    if (result.outcome != Outcome::not_started) {
      touched.push_back(result.host);
    }
    if (result.is_ok()) {
      waiting.push_back(result.host);
    } else {
      work.note_failure(result);
    }
  }
  // Peers that cannot find the seeder wait in vain: better to know before they are started.
  std::vector<HostIndex> known;
  std::string trouble = "no tracker answered it";
  const auto deadline = std::chrono::steady_clock::now() + contact_timeout;
  while (!waiting.empty() && !work.is_interrupted()) {
    std::vector<HostIndex> still;
    for (const HostResult& result :
         work.run(waiting, {.stage = std::string(seed_stage)},
                  [&](const Host&) { return status_command(work, tag); })) {
      const cli::Json status = json_output(result);
      const cli::Json* seeder = process_in(status, cli::kind_seeder);
      const cli::Json details =
          seeder != nullptr && seeder->contains("details") ? (*seeder)["details"] : cli::Json();
      if (cli::count_member(details, "trackers_working") > 0) {
        known.push_back(result.host);
      } else {
        trouble = cli::text_member(details, "tracker_trouble", trouble);
        still.push_back(result.host);
      }
    }
    waiting = std::move(still);
    if (waiting.empty() || std::chrono::steady_clock::now() >= deadline) {
      break;
    }
    std::this_thread::sleep_for(contact_pause);
  }
  for (const HostIndex host : waiting) {
    if (!work.is_interrupted()) {
      work.note_failure(failure(work, host, seed_stage, trouble));
    }
  }
  return known;
}

}  // namespace murder::fleet
