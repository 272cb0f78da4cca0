#include "agent/once_places.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <vector>

#include "agent/bounds.h"
#include "agent/left_group.h"
#include "agent/once_note.h"
#include "agent/placed.h"
#include "engine/archive/tree_removal.h"
#include "engine/base/json.h"
#include "engine/base/own_file.h"
#include "engine/base/small_file.h"
#include "engine/host/clean_release.h"
#include "engine/host/kept_archives.h"
#include "engine/host/processes.h"

namespace murder::agent {
namespace {

constexpr std::string_view log_ending = ".log";
constexpr time_t once_without_note_s = 600;

enum class Archives : uint8_t { removed, partial_kept, kept };

// `run` goes with the agent; `of_host` stays.
Status clear_release(const host::CleanOptions& options, Archives archives,
                     const host::RunDirectory* run, const host::RunDirectory* of_host) {
  if (archives == Archives::kept) {
    const Result<Json> ended =
        run == nullptr ? Result<Json>(Json()) : host::end_processes_of(options, *run);
    if (of_host != nullptr) {
      host::forget_kept_archives(*of_host, options.temp_path, options.tag);
    }
    return ended ? Status() : fail(ended.error());
  }
  const Result<host::Cleaned> cleaned = host::clean_release(options, run);
  if (cleaned && of_host != nullptr && cleaned->json["kept"] == true) {
    host::note_kept_archive(*of_host, text_member(cleaned->json, "archive"));
  }
  return cleaned ? Status() : fail(cleaned.error());
}

// What has been started for one app ends, and what it fetched goes.
Status clear_app(const AppPlace& place, Archives archives, const host::RunDirectory* of_host) {
  Status outcome;
  const auto run = host::RunDirectory::open_existing(place.run);
  end_left_group(place.run + "/hook");
  for (const std::string& name : entries_of_directory(place.torrents)) {
    const std::optional<InfoHash> release = InfoHash::from_hex(name.substr(0, name.find('.')));
    const Result<TorrentFacts> facts =
        release ? torrent_facts(place, *release)
                : Result<TorrentFacts>(fail(ErrorCode::not_found, "no torrent"));
    if (!facts) {
      continue;
    }
    const Status cleaned = clear_release({.tag = facts->tag,
                                          .temp_path = place.archives,
                                          .path_is_file = facts->is_file,
                                          .stop = true,
                                          .keep_partial = archives == Archives::partial_kept},
                                         archives, run ? &*run : nullptr, of_host);
    outcome = cleaned ? outcome : cleaned;
  }
  if (run) {
    for (const host::RunningProcess& process : host::list_processes(*run)) {
      if (Status ended = host::stop_process(*run, process, limits::agent_once_stop_max); !ended) {
        outcome = ended;
      }
    }
  }
  return outcome;
}

// All that an agent puts into its state directory, which may have been there before.
Status remove_state(const std::string& directory) {
  const Status removed = archive::remove_tree(directory + "/apps");
  for (const std::string& name : entries_of_directory(directory)) {
    if (name.starts_with("agent.key") || name.starts_with("kept.json") ||
        name.starts_with("orders") || name == "reserve" || name == once_note_name ||
        name == once_key_name || name == "lock") {
      unlink((directory + "/" + name).c_str());
    }
  }
  rmdir(directory.c_str());
  return removed;
}

Status clear_directory(const std::string& directory, const std::string& temp_path,
                       Archives archives) {
  Status outcome;
  const auto of_host = host::RunDirectory::open_existing(directory.substr(0, directory.rfind('/')));
  for (const std::string& app : entries_of_directory(directory + "/apps")) {
    if (Status cleared = clear_app(once_app_place(directory, app, temp_path), archives,
                                   of_host ? &*of_host : nullptr);
        !cleared) {
      outcome = cleared;
    }
  }
  if (of_host) {
    host::remove_old_archives(*of_host, time(nullptr));
  }
  const Status removed = remove_state(directory);
  return outcome ? removed : outcome;
}

bool shares_a_place(const OnceNote& note, const AgentOptions& options) {
  return std::any_of(options.apps.begin(), options.apps.end(), [&](const AppOptions& app) {
    return std::find(note.places.begin(), note.places.end(), app.to) != note.places.end();
  });
}

std::vector<std::string> places_of(const std::vector<codec::ServerPlace>& coordinators) {
  std::vector<std::string> places;
  for (const codec::ServerPlace& coordinator : coordinators) {
    places.push_back(coordinator.word());
  }
  return places;
}

// What fetches and serves announces to coordinators that this deploy has no more: it is started
// again, and continues with what it has.
Status end_processes_of(const std::string& directory) {
  Status outcome;
  for (const std::string& app : entries_of_directory(directory + "/apps")) {
    const auto run =
        host::RunDirectory::open_existing(fmt::format("{}/apps/{}/run", directory, app));
    if (!run) {
      continue;
    }
    for (const host::RunningProcess& process : host::list_processes(*run)) {
      if (Status ended = host::stop_process(*run, process, limits::agent_once_stop_max); !ended) {
        outcome = ended;
      }
    }
  }
  return outcome;
}

// The same deploy starts its agent again, as its coordinator was lost. One that is killed at any
// moment is continued from what it noted down: asked to end, it would leave nothing.
Status replace_own(const AgentOptions& options) {
  const std::string& directory = options.state_directory;
  const std::string lock_path = directory + "/lock";
  const Fd lock(open(lock_path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!lock.is_open()) {
    return {};
  }
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    const std::optional<LockHolder> holder = find_lock_holder(lock.get());
    if (holder && holder->pid == getpid()) {
      return {};
    }
    if (holder && holder->pid > 1 && holder->uid == geteuid()) {
      kill(holder->pid, SIGKILL);
    }
    if (Status ended = lock_within(lock.get(), lock_path, limits::agent_once_stop_max); !ended) {
      return fail(ended.error().code,
                  fmt::format("the agent of this deploy does not end: {}", ended.error().text));
    }
  }
  return read_once_note(directory).coordinators == places_of(options.coordinators)
             ? Status()
             : end_processes_of(directory);
}

Status clear_other(const std::string& directory, const AgentOptions& options) {
  struct stat status {};
  if (lstat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
      status.st_uid != geteuid()) {
    return {};
  }
  const OnceNote note = read_once_note(directory);
  const std::string lock_path = directory + "/lock";
  const Fd lock(open(lock_path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (lock.is_open() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (!shares_a_place(note, options)) {
      return {};
    }
    const std::optional<LockHolder> holder = find_lock_holder(lock.get());
    if (holder && holder->pid > 1) {
      kill(holder->pid, SIGTERM);
    }
    if (Status ended = lock_within(lock.get(), lock_path, limits::agent_once_stop_max); !ended) {
      return fail(ended.error().code, fmt::format("the agent of an earlier deploy does not end: {}",
                                                  ended.error().text));
    }
  }
  // One that begins at this moment has no note yet, and perhaps no lock.
  if (note.places.empty() && time(nullptr) - status.st_mtime < once_without_note_s) {
    return {};
  }
  const Status cleared = clear_directory(directory, note.temp_path, Archives::partial_kept);
  unlink((directory + std::string(log_ending)).c_str());
  return cleared;
}

// Of an agent whose directory is gone. One that begins at this moment may have none yet.
void clear_old_log(const std::string& path) {
  struct stat status {};
  const std::string directory = path.substr(0, path.size() - log_ending.size());
  const bool is_old_log = lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
                          status.st_uid == geteuid() &&
                          time(nullptr) - status.st_mtime >= once_without_note_s;
  if (is_old_log && access(directory.c_str(), F_OK) != 0) {
    unlink(path.c_str());
  }
}

}  // namespace

std::string once_state_directory(const std::string& run_directory, std::string_view token) {
  return token.empty() ? run_directory + "/agent"
                       : fmt::format("{}/{}{}", run_directory, once_prefix, token);
}

Status clear_once_places(const std::string& run_directory, const AgentOptions& options) {
  if (const auto of_host = host::RunDirectory::open_existing(run_directory)) {
    host::remove_old_archives(*of_host, time(nullptr));
  }
  for (const std::string& name : entries_of_directory(run_directory)) {
    const std::string directory = run_directory + "/" + name;
    if (name.starts_with(once_prefix) && name.ends_with(log_ending)) {
      clear_old_log(directory);
      continue;
    }
    const bool is_other = name.starts_with(once_prefix) && directory != options.state_directory;
    if (Status cleared = is_other ? clear_other(directory, options) : Status(); !cleared) {
      return cleared;
    }
  }
  // One that was named in the configuration may be that of an agent that is none of a deploy.
  const bool is_of_this_deploy =
      options.state_directory.starts_with(fmt::format("{}/{}", run_directory, once_prefix));
  return is_of_this_deploy ? replace_own(options) : Status();
}

Status note_once_place(const StateDirectory& state, const AgentOptions& options) {
  Json places = Json::array();
  for (const AppOptions& app : options.apps) {
    places.push_back(app.to);
  }
  Json coordinators = Json::array();
  for (const std::string& place : places_of(options.coordinators)) {
    coordinators.push_back(place);
  }
  return write_small_file(
      state.path() + "/" + once_note_name,
      json_text(
          {{"places", places}, {"temp_path", options.temp_path}, {"coordinators", coordinators}}),
      /*sync_to_disk=*/false);
}

Status leave_no_trace(const StateDirectory& state, const AgentOptions& options, bool keep_partial) {
  return clear_directory(state.path(), options.temp_path,
                         options.keep_archives ? Archives::kept
                         : keep_partial        ? Archives::partial_kept
                                               : Archives::removed);
}

}  // namespace murder::agent
