#include "cli/commands/completion/candidate_sources.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "cli/fleet/config.h"
#include "cli/fleet/deploy_state.h"
#include "cli/fleet/plan/node_set.h"
#include "engine/archive/release_name.h"
#include "engine/base/monotonic_clock.h"
#include "engine/host/agent_places.h"
#include "engine/host/processes.h"
#include "engine/host/release_directory.h"

namespace murder::cli {
namespace {

namespace files = std::filesystem;

constexpr Duration processes_wait = std::chrono::milliseconds(30);  // for all of them
constexpr size_t directory_entries_max = 5000;
constexpr std::string_view torrent_ending = ".torrent";

// Those that continue what was typed, each once.
class Collector {
 public:
  explicit Collector(const CompletionPoint& point) : point_(point) {}

  void add(const std::string& value, const std::string& description) {
    const bool is_plain = value.find_first_of("\n\t\r") == std::string::npos;
    if (is_plain && !value.empty() && value.starts_with(point_.typed) &&
        found_.size() < candidates_max && known_.insert(value).second) {
      found_.push_back({point_.before + value, description});
    }
  }

  std::vector<Candidate> release() { return std::move(found_); }

 private:
  const CompletionPoint& point_;
  std::set<std::string> known_;
  std::vector<Candidate> found_;
};

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (files::directory_iterator entry(directory, error), end;
       !error && entry != end && names.size() < directory_entries_max; entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string temp_path_of(const CompletionPoint& point) {
  const std::string option = point.value_of("--temp-path");
  return option.empty() ? "/tmp" : option;
}

void add_running_tags(const CompletionPoint& point, Collector& into) {
  Result<host::RunDirectory> directory =
      host::RunDirectory::open_existing(point.value_of("--run-dir"));
  if (!directory) {
    return;
  }
  const Instant deadline = monotonic_now() + processes_wait;
  for (const host::RunDirectory& each : host::with_agents(std::move(*directory))) {
    for (const host::RunningProcess& process :
         host::list_answering_processes(each, deadline - monotonic_now())) {
      into.add(process.tag(), fmt::format("{}, {}", process.kind(),
                                          text_member(process.status, "phase", "running")));
    }
  }
}

// By the names of what processes leave in the run directory.
void add_outcome_tags(const CompletionPoint& point, Collector& into) {
  const std::string directory = host::choose_run_directory(point.value_of("--run-dir"));
  for (const std::string& name : names_in(directory)) {
    for (const auto& [start, ending, what] :
         {std::array<std::string_view, 3>{"peer-", ".outcome", "peer in the background"},
          std::array<std::string_view, 3>{"seed-", ".log", "seeder's log"}}) {
      if (name.starts_with(start) && name.ends_with(ending) &&
          name.size() > start.size() + ending.size()) {
        into.add(name.substr(start.size(), name.size() - start.size() - ending.size()),
                 std::string(what));
      }
    }
  }
}

// Of DIR/v42.tar.zst.torrent it is v42.
void add_torrent_tags(const std::string& directory, Collector& into) {
  for (const std::string& name : names_in(directory)) {
    if (name.ends_with(torrent_ending)) {
      const Result<std::string> tag = archive::valid_tag_of_name(
          std::string_view(name).substr(0, name.size() - torrent_ending.size()));
      if (tag) {
        into.add(*tag, "torrent in " + directory);
      }
    }
  }
}

void add_placed_tags(const CompletionPoint& point, Collector& into) {
  const std::string option = point.value_of("--to");
  const std::string directory = option.empty() ? point.value_of("--destination-path") : option;
  if (directory.empty()) {
    return;
  }
  const Result<host::ReleaseRecord> record = host::ReleaseDirectory::read_record(directory);
  if (!record) {
    return;
  }
  std::error_code error;
  const std::string link = point.value_of("--link").empty()
                               ? std::string(host::current_link_default)
                               : point.value_of("--link");
  const std::string current = files::read_symlink(directory + "/" + link, error).string();
  std::vector<std::string> tags(record->delivered.rbegin(), record->delivered.rend());
  for (const host::PlacedRelease& placed : record->placed) {
    tags.push_back(placed.tag);
  }
  for (const std::string& tag : tags) {
    if (files::exists(fmt::format("{}/{}", directory, tag), error)) {
      into.add(tag, tag == current ? "current" : "release");
    }
  }
}

void add_deployed_tags(Collector& into) {
  constexpr std::string_view start = "deploy-";
  constexpr std::string_view ending = ".json";
  for (const std::string& name : names_in(fleet::deploy_state_directory())) {
    if (name.starts_with(start) && name.ends_with(ending) &&
        name.size() > start.size() + ending.size()) {
      into.add(name.substr(start.size(), name.size() - start.size() - ending.size()),
               "deployed from here");
    }
  }
}

fleet::Config config_of(const CompletionPoint& point) {
  const Result<fleet::Config> config = fleet::load_config(point.value_of("--config"));
  return config ? *config : fleet::Config{};
}

struct RoleEntries {
  const char* name;
  const std::vector<fleet::HostEntry>* entries;
};

std::array<RoleEntries, 3> roles_of(const fleet::Config& config) {
  return {{{"tracker", &config.trackers}, {"seeder", &config.seeders}, {"peer", &config.peers}}};
}

// Node sets as they are written there, then their names.
void add_hosts(const CompletionPoint& point, Collector& into) {
  const fleet::Config config = config_of(point);
  for (const auto& [role, entries] : roles_of(config)) {
    for (const fleet::HostEntry& entry : *entries) {
      into.add(entry.node_set, role);
    }
  }
  for (const auto& [role, entries] : roles_of(config)) {
    for (const fleet::HostEntry& entry : *entries) {
      const Result<std::vector<std::string>> names = fleet::expand_node_set(entry.node_set);
      for (const std::string& name : names ? *names : std::vector<std::string>()) {
        into.add(name, role);
      }
    }
  }
}

void add_trackers(const CompletionPoint& point, Collector& into) {
  const fleet::Config config = config_of(point);
  for (const std::string& place : config.coordinators) {
    into.add(place, "coordinator");
  }
  for (const fleet::HostEntry& entry : config.trackers) {
    const Result<std::vector<std::string>> names = fleet::expand_node_set(entry.node_set);
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
      into.add(fmt::format("{}:{}", name, config.variables.tracker_port), "tracker");
    }
  }
}

// Those of the temporary directory, wherever the user is.
void add_torrents(const CompletionPoint& point, Collector& into) {
  if (const std::string from = point.value_of("--from"); !from.empty()) {
    add_torrent_tags(from, into);  // murder seed --from DIR TAG
    return;
  }
  const std::string directory = temp_path_of(point);
  for (const std::string& name : names_in(directory)) {
    if (name.ends_with(torrent_ending)) {
      into.add(fmt::format("{}/{}", directory, name), "torrent");
    }
  }
}

void add_kept_tags(const CompletionPoint& point, Collector& into) {
  add_running_tags(point, into);
  add_outcome_tags(point, into);
}

void add_any_tags(const CompletionPoint& point, Collector& into) {
  add_placed_tags(point, into);
  add_torrent_tags(temp_path_of(point), into);
  add_deployed_tags(into);
  into.add(config_of(point).variables.default_tag, "default_tag");
}

}  // namespace

std::vector<Candidate> candidates_here(const CompletionPoint& typed) {
  CompletionPoint point = typed;
  if (point.kind == ValueKind::hosts) {
    split_host_list(point);
  }
  Collector into(point);
  switch (point.kind) {
    case ValueKind::running_tag:
      add_running_tags(point, into);
      break;
    case ValueKind::waited_tag:
      add_kept_tags(point, into);
      break;
    case ValueKind::kept_tag:
      add_kept_tags(point, into);
      add_torrent_tags(temp_path_of(point), into);
      break;
    case ValueKind::placed_tag:
      add_placed_tags(point, into);
      break;
    case ValueKind::any_tag:
      add_any_tags(point, into);
      break;
    case ValueKind::hosts:
      add_hosts(point, into);
      break;
    case ValueKind::tracker:
      add_trackers(point, into);
      break;
    case ValueKind::torrent:
      add_torrents(point, into);
      break;
    default:
      break;
  }
  return into.release();
}

}  // namespace murder::cli
