#include "engine/host/abandoned_peers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "engine/host/control.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/processes.h"

namespace murder::host {
namespace {

constexpr std::string_view outcome_prefix = "peer-";
constexpr std::string_view outcome_suffix = ".outcome";

// Tags that have an outcome there.
std::vector<std::string> tags_in(const RunDirectory& directory) {
  std::vector<std::string> tags;
  const int listing_fd = openat(directory.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* listing = listing_fd < 0 ? nullptr : fdopendir(listing_fd);
  if (listing == nullptr) {
    if (listing_fd >= 0) {
      ::close(listing_fd);
    }
    return tags;
  }
  while (const dirent* entry = readdir(listing)) {
    std::string_view name = entry->d_name;
    if (name.starts_with(outcome_prefix) && name.ends_with(outcome_suffix) &&
        name.size() > outcome_prefix.size() + outcome_suffix.size()) {
      name.remove_prefix(outcome_prefix.size());
      name.remove_suffix(outcome_suffix.size());
      tags.emplace_back(name);
    }
  }
  closedir(listing);
  return tags;
}

Duration age_of(const RunDirectory& directory, const std::string& name) {
  struct stat status {};
  if (fstatat(directory.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return Duration::zero();
  }
  return std::chrono::seconds(time(nullptr) - status.st_mtime);
}

// A file of ours alone: other things may have got that name since.
void remove_archive(const std::string& path, uid_t owner) {
  struct stat status {};
  if (path.starts_with('/') && lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
      (status.st_uid == geteuid() || status.st_uid == owner)) {
    unlink(path.c_str());
  }
}

bool runs(const std::vector<RunningProcess>& processes, const std::string& tag) {
  return std::any_of(processes.begin(), processes.end(), [&tag](const RunningProcess& process) {
    return !process.problem.empty() || process.tag() == tag;
  });
}

}  // namespace

bool is_abandoned(std::string_view state, Duration age, bool is_running) {
  return state != outcome_done && !is_running && age >= abandoned_after;
}

void remove_abandoned(const RunDirectory& directory, const std::string& tag_at_work) {
  std::vector<std::string> old;
  for (const std::string& tag : tags_in(directory)) {
    if (tag != tag_at_work && age_of(directory, outcome_file_name(tag)) >= abandoned_after) {
      old.push_back(tag);
    }
  }
  if (old.empty()) {
    return;
  }
  const std::vector<RunningProcess> processes = list_processes(directory);
  for (const std::string& tag : old) {
    const Result<Json> outcome = read_outcome(directory, tag);
    const Duration age = age_of(directory, outcome_file_name(tag));
    if (!outcome || !is_abandoned(text_member(*outcome, "state"), age, runs(processes, tag))) {
      continue;
    }
    remove_archive(text_member(*outcome, "archive"),
                   static_cast<uid_t>(count_member(*outcome, "user_id", geteuid())));
    for (const std::string& name :
         {outcome_file_name(tag), placing_file_name(tag), peer_log_name(tag) + ".log"}) {
      unlinkat(directory.fd(), name.c_str(), 0);
    }
  }
}

}  // namespace murder::host
