#include "agent/once_note.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "agent/placed.h"
#include "engine/base/fd.h"
#include "engine/base/json.h"
#include "engine/base/small_file.h"

namespace murder::agent {
namespace {

constexpr size_t note_bytes_max = 256 * 1024;

bool is_at_work(const std::string& state_directory) {
  struct stat status {};
  if (lstat(state_directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
      status.st_uid != geteuid()) {
    return false;
  }
  const Fd lock(open((state_directory + "/lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  return lock.is_open() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0;
}

bool has_torrent_of(const AppPlace& place, const std::string& tag) {
  const std::vector<std::string> names = entries_of_directory(place.torrents);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const std::optional<InfoHash> release = InfoHash::from_hex(name.substr(0, name.find('.')));
    const Result<TorrentFacts> facts =
        release ? torrent_facts(place, *release)
                : Result<TorrentFacts>(fail(ErrorCode::not_found, "no torrent"));
    return facts && facts->tag == tag;
  });
}

bool uses_archive(const std::string& state_directory, const OnceNote& note, const ArchiveUse& use) {
  const std::vector<std::string> apps = entries_of_directory(state_directory + "/apps");
  return std::any_of(apps.begin(), apps.end(), [&](const std::string& app) {
    const AppPlace place = once_app_place(state_directory, app, note.temp_path);
    return place.archives == use.temp_path && has_torrent_of(place, use.tag);
  });
}

}  // namespace

std::vector<std::string> entries_of_directory(const std::string& path) {
  std::vector<std::string> names;
  DIR* listing = opendir(path.c_str());
  if (listing == nullptr) {
    return names;
  }
  while (const dirent* entry = readdir(listing)) {
    if (const std::string_view name = entry->d_name; name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  closedir(listing);
  return names;
}

OnceNote read_once_note(const std::string& state_directory) {
  OnceNote note;
  const Result<std::string> text =
      read_small_file(state_directory + "/" + once_note_name, note_bytes_max);
  const Result<Json> json = text ? parse_json(*text) : Result<Json>(fail(text.error()));
  if (json && json->is_object()) {
    for (const Json& place : (*json)["places"].items()) {
      note.places.push_back(place.text());
    }
    note.temp_path = text_member(*json, "temp_path");
    for (const Json& coordinator : (*json)["coordinators"].items()) {
      note.coordinators.push_back(coordinator.text());
    }
  }
  return note;
}

AppPlace once_app_place(const std::string& state_directory, const std::string& app_directory,
                        const std::string& temp_path) {
  const std::string base = fmt::format("{}/apps/{}", state_directory, app_directory);
  return {.torrents = base + "/torrents",
          .archives = temp_path.empty() ? base + "/archives" : temp_path,
          .run = base + "/run"};
}

bool is_archive_in_use(const std::string& run_directory, const ArchiveUse& use) {
  const std::vector<std::string> names = entries_of_directory(run_directory);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    const std::string directory = run_directory + "/" + name;
    if (!name.starts_with(once_prefix) || !is_at_work(directory)) {
      return false;
    }
    const OnceNote note = read_once_note(directory);
    const bool is_own =
        name == fmt::format("{}{}", once_prefix, use.token) &&
        (use.coordinator.empty() || note.coordinators == std::vector<std::string>{use.coordinator});
    return !is_own && uses_archive(directory, note, use);
  });
}

}  // namespace murder::agent
