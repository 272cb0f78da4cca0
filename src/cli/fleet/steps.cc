#include "cli/fleet/steps.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "cli/fleet/mapped_file.h"
#include "cli/fleet/tracker_access.h"
#include "cli/fleet/tracker_use.h"
#include "engine/hash/sha1.h"
#include "engine/host/control.h"
#include "engine/host/own_program.h"
#include "engine/trust/base64.h"

namespace murder::fleet {
namespace {

constexpr size_t json_lines_looked_at_max = 64;
constexpr Duration tracker_answer_timeout = std::chrono::seconds(3);

}  // namespace

std::string tracker_listen_address(uint16_t port) {
  return fmt::format("[::]:{}", port);
}

std::string murder_path_of(const Work& work) {
  return work.variables().remote_murder_path;
}

Json json_output(const HostResult& result) {
  // What a login shell left in the background may write behind it.
  std::string_view rest = result.output;
  for (size_t lines = 0; !rest.empty() && lines < json_lines_looked_at_max; ++lines) {
    const size_t line_start = rest.rfind('\n', rest.size() - 1);
    const std::string_view line =
        line_start == std::string_view::npos ? rest : rest.substr(line_start + 1);
    rest = line_start == std::string_view::npos ? "" : rest.substr(0, line_start);
    if (line.starts_with('{')) {
      if (Result<Json> json = parse_json(line); json && json->is_object()) {
        return std::move(*json);
      }
    }
  }
  return {};
}

std::vector<HostIndex> Distribution::all() const {
  std::vector<HostIndex> hosts = already_current;
  hosts.insert(hosts.end(), installed.begin(), installed.end());
  std::sort(hosts.begin(), hosts.end());
  return hosts;
}

bool has_same_program(const HostResult& result) {
  return result.output.starts_with("same");
}

Result<Distribution> distribute(Work& work, std::span<const HostIndex> hosts) {
  const Result<std::string> path = host::own_program_path();
  // The file that this process runs, also when its name stands for a newer build by now.
  const Result<MappedFile> program = MappedFile::open("/proc/self/exe");
  if (!path || !program) {
    return fail(path ? program.error() : path.error());
  }
  const std::string sum = hash::sha1(as_bytes_of(program->bytes())).hex();
  const std::string directory = murder_path_of(work);
  Distribution distribution;
  std::vector<HostIndex> others;
  const std::string compare = compare_program_command(directory, sum);
  for (const HostResult& result : work.run_and_note(hosts, {.stage = "distribute-files"},
                                                    [&](const Host&) { return compare; })) {
    (has_same_program(result) ? distribution.already_current : others).push_back(result.host);
  }
  if (others.empty() || work.is_interrupted()) {
    return distribution;
  }
  const std::string install = install_program_command(directory, sum);
  for (const HostResult& result :
       work.run_and_note(others, {.stage = "distribute-files", .input = program->bytes()},
                         [&](const Host&) { return install; })) {
    distribution.installed.push_back(result.host);
  }
  return distribution;
}

std::string seconds_text(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  return fmt::format("{}s", std::max<int64_t>(seconds, 0));
}

TrackerStart start_trackers(Work& work, std::span<const HostIndex> hosts, Duration idle_max) {
  const Step step{.stage = "start-tracker"};
  const uint16_t port = work.variables().tracker_port;
  TrackerStart start;
  std::vector<HostIndex> idle;
  const std::string status =
      CommandLine::murder(murder_path_of(work), "status").flag("--json").text();
  for (const HostResult& result :
       work.run_and_note(hosts, step, [&](const Host&) { return status; })) {
    const bool runs = tracker_on(json_output(result), port) != nullptr;
    (runs ? start.ran_already : idle).push_back(result.host);
  }
  const std::string command = start_tracker_command(work, idle_max);
  for (const HostResult& result :
       work.run_and_note(idle, step, [&](const Host&) { return command; })) {
    start.started.push_back(result.host);
  }
  return start;
}

std::string start_tracker_command(const Work& work, Duration idle_max) {
  CommandLine line = CommandLine::murder(murder_path_of(work), "tracker");
  line.option("--listen", tracker_listen_address(work.variables().tracker_port));
  if (idle_max > Duration::zero()) {
    line.option("--end-when-idle", seconds_text(idle_max));
  }
  return line.flag("--background").flag("--quiet").flag("--json").text();
}

bool tracker_answers(const std::string& announce_url) {
  const Result<http::Reply> reply =
      ask_tracker(status_url(announce_url), {.timeout = tracker_answer_timeout});
  if (!reply || reply->status != 200) {
    return reply && is_of_closed_tracker(*reply);
  }
  const Result<Json> status = parse_json(reply->body);
  return status && text_member(*status, "kind") == host::kind_tracker;
}

CommandLine stop_tracker_command(const Work& work) {
  CommandLine line = CommandLine::murder(murder_path_of(work), "stop").flag("--tracker");
  return line.option("--port", fmt::format("{}", work.variables().tracker_port));
}

Result<LocalTorrent> torrent_in(const HostResult& result, const std::string& host) {
  const size_t line_end = result.output.find('\n');
  if (result.output_is_cut || line_end == std::string::npos) {
    return fail(ErrorCode::limit, fmt::format("the torrent on {} is too large", host));
  }
  const std::optional<std::string> bytes =
      trust::decode_base64(std::string_view(result.output).substr(line_end + 1));
  if (!bytes) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the torrent did not arrive from {}: what came is cut short, or not "
                            "base64",
                            host));
  }
  return read_torrent(
      *bytes, fmt::format("what {} has as {}.torrent", host, result.output.substr(0, line_end)));
}

Result<LocalTorrent> fetch_torrent(Work& work, std::span<const HostIndex> seeders,
                                   const std::string& temp_path, const std::string& tag) {
  const std::string command = send_torrent_command(temp_path, tag);
  const std::vector<HostResult> results = work.run_and_note(
      seeders, {.stage = "download-torrent", .output_bytes_max = torrent_output_bytes_max},
      [&](const Host&) { return command; });
  for (const HostResult& result : results) {
    return torrent_in(result, work.inventory().at(result.host).name);
  }
  return fail(ErrorCode::not_found, fmt::format("no seeder has the torrent of {}", tag));
}

}  // namespace murder::fleet
