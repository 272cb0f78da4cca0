// The tasks of `murder fleet` that make a release and bring it to the peers, put the program on the
// hosts, and show what runs there.
#include <fmt/format.h>

#include "cli/fleet/fleet.h"
#include "cli/fleet/own_file.h"
#include "cli/fleet/passed_options.h"
#include "cli/fleet/peering.h"
#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/same_machine.h"
#include "cli/fleet/seeding.h"
#include "cli/fleet/steps.h"
#include "cli/fleet/tasks.h"
#include "cli/fleet/torrent_signing.h"
#include "cli/ui/table.h"
#include "engine/archive/file.h"
#include "engine/base/printable.h"
#include "engine/base/small_file.h"
#include "engine/base/units.h"
#include "engine/codec/metainfo.h"
#include "engine/trust/signature_file.h"

namespace murder::fleet {
namespace {

std::vector<HostIndex> hosts_in(const std::vector<HostResult>& results) {
  std::vector<HostIndex> hosts;
  hosts.reserve(results.size());
  for (const HostResult& result : results) {
    hosts.push_back(result.host);
  }
  return hosts;
}

Result<int> run_distribute_files(const TaskOptions& options, cli::CommandContext& context) {
  auto work = open_work(options.fleet, context, "distribute-files");
  if (!work) {
    return fail(work.error());
  }
  const std::vector<HostIndex> hosts = (*work)->inventory().all();
  const Result<Distribution> distribution = distribute(**work, hosts);
  if (!distribution) {
    return fail(distribution.error());
  }
  context.note(fmt::format("sent to {} hosts, {} had the same build",
                           distribution->installed.size(), distribution->already_current.size()));
  return finish_task(**work, "distribute-files", hosts, distribution->all(),
                     {{"installed", names_of((*work)->inventory(), distribution->installed)},
                      {"had_it", names_of((*work)->inventory(), distribution->already_current)}});
}

Result<int> run_start_tracker(const TaskOptions& options, cli::CommandContext& context) {
  auto work = open_work(options.fleet, context, "start-tracker");
  if (!work) {
    return fail(work.error());
  }
  std::vector<HostIndex> hosts = (*work)->inventory().trackers;
  const std::vector<OtherName> other_names = meet_machines(**work, hosts);
  TrackerStart start = start_trackers(**work, hosts);
  for (const HostIndex host : start.ran_already) {
    context.note(
        fmt::format("{}: a tracker runs there already", (*work)->inventory().at(host).name));
  }
  std::vector<HostIndex> done = start.started;
  done.insert(done.end(), start.ran_already.begin(), start.ran_already.end());
  return finish_task(**work, "start-tracker", hosts, done,
                     {{"started", names_of((*work)->inventory(), start.started)},
                      {"ran_already", names_of((*work)->inventory(), start.ran_already)},
                      {"other_names", json_of((*work)->inventory(), other_names)},
                      {"tracker_urls", (*work)->inventory().tracker_urls()}});
}

// TEMP/NAME.torrent on this machine, in one step. What has the name is replaced, not followed.
Result<std::string> save_torrent(const LocalTorrent& torrent, const std::string& temp_path) {
  if (Status made = archive::make_directories(temp_path, true); !made) {
    return fail(made.error());
  }
  const std::string path = fmt::format("{}/{}.torrent", temp_path, torrent.name);
  if (Status written = write_own_file(path, torrent.bytes); !written) {
    return fail(written.error());
  }
  const Result<codec::Metainfo> metainfo = codec::parse_metainfo(as_bytes_of(torrent.bytes));
  if (metainfo && metainfo->signed_statement) {
    if (Status written = write_own_file(path + std::string(trust::signature_file_suffix),
                                        trust::encode_signature_file(*metainfo->signed_statement));
        !written) {
      return fail(written.error());
    }
  }
  return path;
}

Result<std::string> download_torrent(Work& work, const TaskOptions& options,
                                     std::span<const HostIndex> seeders, const std::string& tag) {
  const std::string temp_path = temp_path_of(work, options);
  const Result<LocalTorrent> torrent = fetch_torrent(work, seeders, temp_path, tag);
  return torrent ? save_torrent(*torrent, local_path(temp_path)) : fail(torrent.error());
}

// When nothing can be said but the table of failures.
bool is_told_by_table(const Work& work) {
  return !work.failures().empty();
}

// The torrent that seeders made is fetched, signed here, and put back where it came from.
Status sign_on_seeders(Work& work, const TaskOptions& options, const ReleaseSigning& signing,
                       std::span<const HostResult> created, const std::string& tag) {
  const std::string temp_path = temp_path_of(work, options);
  const std::vector<HostIndex> first = {created.front().host};
  const Result<LocalTorrent> torrent = fetch_torrent(work, first, temp_path, tag);
  if (!torrent) {
    return fail(torrent.error());
  }
  const Result<cli::SignedSubject> subject =
      subject_of(*torrent, json_output(created.front()), tag);
  if (!subject) {
    return fail(subject.error());
  }
  Result<SignedTorrent> made =
      sign_torrent(*torrent, signing, *subject,
                   {.note = [&work](std::string_view line) { work.context().note(line); },
                    .cancel = &work.interrupts().work()});
  if (!made) {
    return fail(made.error());
  }
  work.context().note(made->text);
  std::vector<HostIndex> same;
  for (const HostResult& result : created) {
    if (text_member(json_output(result), "info_hash") == torrent->info_hash.hex()) {
      same.push_back(result.host);
    }
  }
  const std::string command = CommandLine::murder(murder_path_of(work), "receive")
                                  .path(fmt::format("{}/{}.torrent", temp_path, torrent->name))
                                  .option("--size", fmt::format("{}B", made->torrent.bytes.size()))
                                  .flag("--quiet")
                                  .flag("--json")
                                  .text();
  const std::vector<HostResult> put_back =
      work.run_and_note(same, {.stage = "sign-torrent", .input = made->torrent.bytes},
                        [&](const Host&) { return command; });
  if (put_back.empty()) {
    return fail(ErrorCode::io, "the signed torrent could not be put back on any seeder");
  }
  return {};
}

Result<int> run_create_torrent(const TaskOptions& options, cli::CommandContext& context) {
  auto opened = open_work(options.fleet, context, "create-torrent");
  if (!opened) {
    return fail(opened.error());
  }
  Work& work = **opened;
  const Result<std::string> tag = tag_of(options.tag, work.variables());
  const std::string files_path =
      first_of(options.files_path, work.variables().default_seeder_files_path);
  if (!tag) {
    return context.wrong_usage(tag.error().text);
  }
  if (files_path.empty()) {
    return context.wrong_usage(
        "say which directory or file of the seeder is meant: --files-path PATH");
  }
  const Result<std::optional<ReleaseSigning>> signing =
      signing_of(options.signing, work.variables());
  if (!signing) {
    return refuse_signing(signing.error(), context);
  }
  std::vector<HostIndex> hosts = work.inventory().seeders;
  work.meet(work.inventory().trackers);  // the torrent tells others where they are
  const std::vector<OtherName> other_names = meet_machines(work, hosts);
  const std::vector<HostResult> results =
      work.run_and_note(hosts, {.stage = "create-torrent"}, [&](const Host&) {
        CommandLine line = CommandLine::murder(murder_path_of(work), "create");
        line.path(files_path).option("--tag", *tag);
        for (const std::string& url : work.inventory().tracker_urls()) {
          line.option("--tracker", url);
        }
        line.path_option("--temp-path", temp_path_of(work, options));
        line.option("--hosts-expected", fmt::format("{}", hosts_expected_in(work.inventory())));
        pass_on(options.packing, line);
        line.flag("--digest", signing->has_value());
        return line.flag("--force").flag("--quiet").flag("--json").text();
      });
  Json json = {{"tag", *tag}, {"other_names", json_of(work.inventory(), other_names)}};
  for (const HostResult& result : results) {
    const Json created = json_output(result);
    json["info_hash"] = text_member(created, "info_hash");
    context.note(fmt::format("{}: {} ({})", work.inventory().at(result.host).name,
                             printable_value(text_member(created, "archive")),
                             format_size(count_member(created, "archive_bytes"))));
  }
  const std::vector<HostIndex> done = hosts_in(results);
  if (*signing && !done.empty() && !work.is_interrupted()) {
    if (Status put = sign_on_seeders(work, options, **signing, results, *tag); !put) {
      return fail(put.error());
    }
  }
  if (!done.empty() && !options.do_not_download_torrent && !work.is_interrupted()) {
    const Result<std::string> path = download_torrent(work, options, done, *tag);
    if (!path && !is_told_by_table(work)) {
      return fail(path.error());
    }
    if (path) {
      json["torrent"] = *path;
      context.note(fmt::format("the torrent is here in {}", *path));
    }
  }
  return finish_task(work, "create-torrent", hosts, done, std::move(json));
}

Result<int> run_download_torrent(const TaskOptions& options, cli::CommandContext& context) {
  auto work = open_work(options.fleet, context, "download-torrent");
  if (!work) {
    return fail(work.error());
  }
  const Result<std::string> tag = tag_of(options.tag, (*work)->variables());
  if (!tag) {
    return context.wrong_usage(tag.error().text);
  }
  // One is enough.
  const std::vector<HostIndex> hosts = {(*work)->inventory().seeders.front()};
  const Result<std::string> path = download_torrent(**work, options, hosts, *tag);
  if (!path && !is_told_by_table(**work)) {
    return fail(path.error());
  }
  if (!path) {
    return finish_task(**work, "download-torrent", hosts, {}, {{"tag", *tag}});
  }
  context.note(fmt::format("the torrent is here in {}", *path));
  return finish_task(**work, "download-torrent", hosts, hosts, {{"tag", *tag}, {"torrent", *path}});
}

// What ^C found at work is ended; what was there before stays.
void stop_peers(Work& work, const std::string& tag, std::span<const HostIndex> hosts) {
  work.context().note("interrupted: ending the downloads that were started (^C again: leave them)");
  const std::string command = CommandLine::murder(murder_path_of(work), "stop")
                                  .word(tag)
                                  .flag("--peering")
                                  .flag("--if-running")
                                  .text();
  size_t left = 0;
  for (const HostResult& result : work.run(hosts, {.stage = "stop-peering", .is_cleaning_up = true},
                                           [&](const Host&) { return command; })) {
    left += result.is_ok() ? 0 : 1;
  }
  if (left > 0) {
    work.context().warn(fmt::format(
        "on {} hosts a peer of {} may still run: `murder fleet stop-peering tag={}` ends it", left,
        tag, tag));
  }
}

Result<int> run_peer(const TaskOptions& options, cli::CommandContext& context) {
  auto work = open_work(options.fleet, context, "peer");
  if (!work) {
    return fail(work.error());
  }
  const Variables& variables = (*work)->variables();
  const Result<std::string> tag = tag_of(options.tag, variables);
  if (!tag) {
    return context.wrong_usage(tag.error().text);
  }
  const Result<std::string> destination = destination_of(options.destination_path, variables);
  if (!destination) {
    return context.wrong_usage(destination.error().text);
  }
  PeeringOptions peering = options.peering;
  peering.tag = *tag;
  peering.destination_path = *destination;
  peering.temp_path = temp_path_of(**work, options);
  peering.no_tag_directory = options.no_tag_directory;
  peering.unsafe_please_delete = options.unsafe_please_delete;
  peering.application = first_of(options.signing.application, variables.application);
  const Result<LocalTorrent> torrent = find_torrent(local_path(peering.temp_path), *tag);
  if (!torrent) {
    return fail(torrent.error());
  }
  std::vector<HostIndex> hosts = (*work)->inventory().peers;
  const std::vector<OtherName> other_names = meet_machines(**work, hosts);
  const PeeringResult result = run_peering(**work, hosts, peering, *torrent);
  if ((*work)->is_interrupted()) {
    stop_peers(**work, *tag, result.touched);
  }
  return finish_task(**work, "peer", hosts, result.done,
                     {{"tag", *tag},
                      {"info_hash", torrent->info_hash.hex()},
                      {"other_names", json_of((*work)->inventory(), other_names)}});
}

std::vector<std::string> row_of(const std::string& host, const Json& process) {
  const uint64_t total = count_member(process, "total_bytes");
  const uint64_t done = count_member(process, "done_bytes");
  return {host,
          text_member(process, "kind", "?"),
          first_of(text_member(process, "tag"), "-"),
          text_member(process, "phase", "does not answer"),
          total == 0 ? "-" : fmt::format("{}% of {}", done * 100 / total, format_size(total)),
          fmt::format("{}", count_member(process, "peers")),
          text_member(process, "address"),
          fmt::format("{}", count_member(process, "pid"))};
}

Result<int> run_status(const TaskOptions& options, cli::CommandContext& context) {
  auto work = open_work(options.fleet, context, "status");
  if (!work) {
    return fail(work.error());
  }
  const std::vector<HostIndex> hosts = (*work)->inventory().all();
  CommandLine line = CommandLine::murder(murder_path_of(**work), "status");
  if (!options.tag.empty()) {
    line.word(options.tag);
  }
  line.flag("--json");
  const std::vector<HostResult> results =
      (*work)->run_and_note(hosts, {.stage = "status"}, [&](const Host&) { return line.text(); });
  std::vector<std::vector<std::string>> rows = {
      {"HOST", "KIND", "TAG", "PHASE", "DONE", "PEERS", "ADDRESS", "PID"}};
  Json processes = Json::object();
  for (const HostResult& result : results) {
    const std::string& name = (*work)->inventory().at(result.host).name;
    Json status = json_output(result);
    if (!status.is_object() || !status["processes"].is_array()) {
      continue;
    }
    for (const Json& process : status["processes"]) {
      rows.push_back(row_of(name, process));
    }
    processes[name] = std::move(status["processes"]);
  }
  context.print(rows.size() > 1 ? cli::format_table(rows) : "nothing runs on these hosts");
  return finish_task(**work, "status", hosts, hosts_in(results), {{"processes", processes}});
}

template <typename Run>
cli::AddedCommand<TaskOptions> add_task(cli::ArgumentParser fleet, cli::CommandContext& context,
                                        const std::string& name, const std::string& description,
                                        const std::string& example, Run run) {
  auto added = cli::add_command<TaskOptions>(fleet, context,
                                             {.name = name,
                                              .description = description,
                                              .example = "murder fleet " + example,
                                              .has_telling_exit_code = name != "status"},
                                             run);
  add_fleet_options(added.command, added.options.fleet);
  return added;
}

}  // namespace

void add_release_tasks(cli::ArgumentParser fleet, cli::CommandContext& context) {
  add_task(fleet, context, "distribute-files",
           "Put this program on every host, as REMOTE_MURDER_PATH/murder. Hosts that have the\n"
           "same build are skipped; a directory with files that are not murder's is refused.",
           "distribute-files", run_distribute_files);
  add_task(fleet, context, "start-tracker",
           "Start the tracker in the background; one that runs there already is fine",
           "start-tracker", run_start_tracker);
  auto create =
      add_task(fleet, context, "create-torrent",
               "Pack files_path of the seeder into TEMP/TAG.tar.zst, make the torrent, and fetch\n"
               "it into TEMP of this machine. An older archive of that tag is replaced.",
               "create-torrent tag=v42 files_path=/srv/build", run_create_torrent);
  add_tag_option(create.command, create.options);
  add_temp_path_option(create.command, create.options);
  add_path_is_file_option(create.command, create.options);
  create.command
      .add_option("--files-path", create.options.files_path,
                  "The directory or file on the seeder (default: default_seeder_files_path)")
      .type_name("PATH");
  cli::add_packing_options(create.command, create.options.packing);
  cli::add_xattrs_option(create.command, create.options.packing.xattrs);
  add_signing_options(create.command, create.options);
  create.command.add_flag("--do-not-download-torrent", create.options.do_not_download_torrent,
                          "Leave the torrent on the seeder");
  auto download = add_task(fleet, context, "download-torrent",
                           "Fetch the torrent from the seeder to this machine again",
                           "download-torrent tag=v42", run_download_torrent);
  add_tag_option(download.command, download.options);
  add_temp_path_option(download.command, download.options);
  add_path_is_file_option(download.command, download.options);
  auto peer =
      add_task(fleet, context, "peer",
               "Fetch the release on all peers, into DESTINATION/TAG. Each then serves for a\n"
               "while in the background. The archive stays: clean-temp-files removes it.",
               "peer tag=v42 destination_path=/srv/app", run_peer);
  add_tag_option(peer.command, peer.options);
  add_temp_path_option(peer.command, peer.options);
  add_path_is_file_option(peer.command, peer.options);
  peer.command
      .add_option("--to,--destination-path", peer.options.destination_path,
                  "Where it goes on the peers (default: default_destination_path)")
      .type_name("DIR");
  peer.command
      .add_option("--app", peer.options.signing.application,
                  "Where releases must be signed: take those of this application (default:\n"
                  "application)")
      .type_name("NAME");
  peer.command.add_flag("--no-tag-directory", peer.options.no_tag_directory,
                        "Unpack to DIR itself instead of DIR/TAG");
  peer.command.add_flag("--unsafe-please-delete", peer.options.unsafe_please_delete,
                        "Replace what is in the target directory");
  cli::add_placing_options(peer.command, peer.options.peering.placing);
  cli::add_xattrs_option(peer.command, peer.options.peering.placing.xattrs);
  peer.command.add_duration("--seed-for", peer.options.peering.seed_for,
                            "Each peer serves this long afterwards; default 30s");
  add_peering_options(peer.command, peer.options.peering);
  add_limit_options(peer.command, peer.options.peering.limits);
  add_transport_option(peer.command, peer.options.fleet);
  auto status =
      add_task(fleet, context, "status", "Show what runs on the hosts", "status", run_status);
  add_tag_option(status.command, status.options);
}

}  // namespace murder::fleet
