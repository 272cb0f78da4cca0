#include "cli/commands/coordinate/deploy_place.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>
#include <vector>

#include "engine/archive/tree_removal.h"
#include "engine/base/json.h"
#include "engine/base/own_file.h"
#include "engine/base/small_file.h"
#include "engine/host/deploy_lock_file.h"

namespace murder::cli {
namespace {

constexpr std::string_view place_prefix = "coordinate-";
constexpr size_t place_note_bytes_max = 4096;
constexpr const char* state_name = "state.db";
constexpr Duration killed_within = std::chrono::seconds(10);
// The coordinator of one that was killed may be at work for some minutes, until its own end.
constexpr time_t left_place_kept_s = 1800;

std::string note_in(const std::string& directory) {
  return directory + "/coordinator.json";
}

Fd open_lock_in(const std::string& directory, int flags) {
  return Fd(open((directory + "/lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
}

bool is_own_directory(const std::string& path, struct stat& status) {
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

// The name of a directory.
bool is_token(std::string_view token) {
  return !token.empty() && token.find('/') == std::string_view::npos;
}

// None where it is of a time before the host booted.
DeployPlace::Coordinator noted_in(const std::string& directory) {
  const Result<std::string> text = read_small_file(note_in(directory), place_note_bytes_max);
  const Result<Json> note = text ? parse_json(*text) : Result<Json>(fail(text.error()));
  if (!note || !note->is_object() || text_member(*note, "boot") != host::boot_clock().boot) {
    return {};
  }
  const uint64_t port = count_member(*note, "port");
  const uint64_t pid = count_member(*note, "pid");
  return port > UINT16_MAX || pid > INT_MAX
             ? DeployPlace::Coordinator()
             : DeployPlace::Coordinator{.port = static_cast<uint16_t>(port),
                                        .pid = static_cast<int>(pid)};
}

void remove_unless_at_work(const std::string& path) {
  struct stat status {};
  if (!is_own_directory(path, status)) {
    return;
  }
  const Fd lock = open_lock_in(path, 0);
  if (!lock.is_open() || flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
    static_cast<void>(archive::remove_tree(path));
  }
}

void remove_left_places(const std::string& run_directory, const std::string& own) {
  std::vector<std::string> found;
  DIR* listing = opendir(run_directory.c_str());
  if (listing == nullptr) {
    return;
  }
  while (const dirent* entry = readdir(listing)) {
    const std::string path = fmt::format("{}/{}", run_directory, entry->d_name);
    if (std::string_view(entry->d_name).starts_with(place_prefix) && path != own) {
      found.push_back(path);
    }
  }
  closedir(listing);
  for (const std::string& path : found) {
    struct stat status {};
    if (is_own_directory(path, status) && time(nullptr) - status.st_mtime >= left_place_kept_s) {
      remove_unless_at_work(path);
    }
  }
}

}  // namespace

Result<DeployPlace> DeployPlace::take(const std::string& run_directory, std::string_view token) {
  if (!is_token(token)) {
    return fail(ErrorCode::invalid_input, "the token of a deploy is the name of a directory");
  }
  const std::string path = fmt::format("{}/{}{}", run_directory, place_prefix, token);
  remove_left_places(run_directory, path);
  struct stat status {};
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_errno(errno, "cannot make the directory " + path);
  }
  if (!is_own_directory(path, status) || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(ErrorCode::permission,
                fmt::format("{} is not a directory of this user that is closed to others: remove "
                            "it",
                            path));
  }
  Fd lock = open_lock_in(path, O_CREAT);
  if (!lock.is_open()) {
    return fail_errno(errno, fmt::format("cannot open {}/lock", path));
  }
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    const std::optional<LockHolder> holder = find_lock_holder(lock.get());
    if (holder && holder->pid > 1 && holder->pid != getpid() && holder->uid == geteuid()) {
      kill(holder->pid, SIGKILL);
    }
    if (Status taken = lock_within(lock.get(), path + "/lock", killed_within); !taken) {
      return fail(taken.error());
    }
  }
  DeployPlace place(path, std::move(lock));
  place.coordinator_ = noted_in(path);
  // After a reboot the agent of this host is gone as well: all begins anew.
  if (place.coordinator_.port == 0) {
    for (const char* ending : {"", "-wal", "-shm"}) {
      unlink((path + "/" + state_name + ending).c_str());
    }
  }
  return place;
}

void DeployPlace::remove_left(const std::string& run_directory, std::string_view token) {
  if (is_token(token)) {
    remove_unless_at_work(fmt::format("{}/{}{}", run_directory, place_prefix, token));
  }
}

DeployPlace::Coordinator DeployPlace::left_coordinator(const std::string& run_directory,
                                                       std::string_view token) {
  struct stat status {};
  const std::string path = fmt::format("{}/{}{}", run_directory, place_prefix, token);
  if (!is_token(token) || !is_own_directory(path, status)) {
    return {};
  }
  const Fd lock = open_lock_in(path, 0);
  const bool is_at_work = lock.is_open() && flock(lock.get(), LOCK_EX | LOCK_NB) != 0;
  return is_at_work ? Coordinator() : noted_in(path);
}

Status DeployPlace::note(const Coordinator& coordinator) {
  coordinator_ = coordinator;
  return write_small_file(note_in(path_),
                          json_text({{"port", coordinator.port},
                                     {"pid", coordinator.pid},
                                     {"boot", host::boot_clock().boot}}),
                          /*sync_to_disk=*/false);
}

std::string DeployPlace::state() const {
  return fmt::format("sqlite:{}/{}", path_, state_name);
}

Status DeployPlace::remove() {
  return archive::remove_tree(path_);
}

}  // namespace murder::cli
