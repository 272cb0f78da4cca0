#include "engine/host/clean_release.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>

#include "engine/archive/staging.h"
#include "engine/host/abandoned_peers.h"
#include "engine/host/control.h"
#include "engine/host/kept_archives.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/processes.h"

namespace murder::host {
namespace {

constexpr Duration clean_wait_max = std::chrono::seconds(15);
constexpr std::array<std::string_view, 3> archive_endings = {".tar.zst", ".tar.gz", ".tar"};

// A peer that has finished only lends its archive to others: it may be ended at any time.
bool is_finished_peer(const RunningProcess& process) {
  return process.kind() == kind_peer && text_member(process.status, "phase") == "seeding";
}

// Never a directory; a missing file is not an error.
Status remove_file(int directory_fd, const std::string& path, uid_t owner, Json& removed) {
  struct stat status {};
  if (fstatat(directory_fd, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    // Asked before: on a read-only file system unlinkat(2) says that even of what is not there.
    return errno == ENOENT || errno == ENOTDIR ? Status()
                                               : fail_errno(errno, "cannot look at " + path);
  }
  if (status.st_uid != geteuid() && status.st_uid != owner) {
    return {};  // in a directory for all, of somebody else
  }
  if (unlinkat(directory_fd, path.c_str(), 0) == 0) {
    removed.push_back(path);
    return {};
  }
  return errno == ENOENT ? Status() : fail_errno(errno, "cannot remove " + path);
}

// Whose the archive is: a peer may have fetched it as another user (--user).
uid_t owner_of_archive(const CleanOptions& options, const RunDirectory& directory) {
  const Result<Json> outcome = read_outcome(directory, options.tag);
  return outcome ? static_cast<uid_t>(count_member(*outcome, "user_id", geteuid())) : geteuid();
}

// Of a peer that ended before it had the release: the next attempt goes on from there. One that
// failed before its first byte left none. Its path; empty: there is none.
std::string partial_archive(const CleanOptions& options, const RunDirectory& directory) {
  const Result<Json> outcome = read_outcome(directory, options.tag);
  if (!outcome || text_member(*outcome, "state") == outcome_done) {
    return {};
  }
  std::string archive = text_member(*outcome, "archive");
  struct stat status {};
  if (!archive.starts_with(options.temp_path + "/") || lstat(archive.c_str(), &status) != 0 ||
      (status.st_uid != geteuid() && status.st_uid != owner_of_archive(options, directory))) {
    return {};
  }
  // A large file without a block is one hole. (Of a small one the file system may keep the content
  // elsewhere.)
  const bool is_hole = status.st_blocks == 0 && (status.st_size == 0 || status.st_size > 4096);
  const bool is_usable = S_ISDIR(status.st_mode) || (S_ISREG(status.st_mode) && !is_hole);
  return is_usable ? archive : std::string();
}

Status remove_archives(const CleanOptions& options, uid_t owner, Json& removed) {
  const std::string base = options.temp_path + "/" + options.tag;
  std::vector<std::string> paths;
  for (const std::string_view ending : archive_endings) {
    paths.push_back(fmt::format("{}{}", base, ending));
    paths.push_back(fmt::format("{}{}.torrent", base, ending));
    paths.push_back(fmt::format("{}{}.torrent.sig", base, ending));
  }
  // Of a file release the archive has no ending: it is ours if its torrent lies beside it, or if
  // the caller says so.
  const std::string torrent = base + ".torrent";
  if (options.path_is_file || access(torrent.c_str(), F_OK) == 0) {
    paths.push_back(base);
  }
  paths.push_back(torrent);
  paths.push_back(torrent + ".sig");
  Status outcome;
  for (const std::string& path : paths) {
    if (Status status = remove_file(AT_FDCWD, path, owner, removed); !status && outcome) {
      outcome = status;  // the first: that of the archive
    }
  }
  for (const std::string_view ending : archive_endings) {
    archive::remove_leftovers(options.temp_path, fmt::format("{}{}", options.tag, ending));
  }
  return outcome;
}

// A wrong --temp-path is seen by the path.
std::string nothing_there(const CleanOptions& options) {
  const std::string nothing = fmt::format("nothing of {} is in {}", options.tag, options.temp_path);
  return access(options.temp_path.c_str(), F_OK) == 0 ? nothing
                                                      : nothing + ", which does not exist";
}

}  // namespace

Result<Json> end_processes_of(const CleanOptions& options, const RunDirectory& directory) {
  Json stopped = Json::array();
  for (const RunningProcess& process : list_processes(directory)) {
    if (process.tag() != options.tag || process.kind() == kind_tracker) {
      continue;
    }
    if (!options.stop && !is_finished_peer(process)) {
      return fail(ErrorCode::conflict,
                  fmt::format("a {} of {} runs here (pid {}): --stop ends it first", process.kind(),
                              options.tag, process.pid));
    }
    if (Status status = stop_process(directory, process, clean_wait_max); !status) {
      return fail(status.error());
    }
    stopped.push_back({{"kind", process.kind()}, {"pid", process.pid}});
  }
  return stopped;
}

Result<Cleaned> clean_release(const CleanOptions& options, const RunDirectory* directory) {
  Json stopped = Json::array();
  Json removed = Json::array();
  if (directory != nullptr) {
    Result<Json> ended = end_processes_of(options, *directory);
    if (!ended) {
      return fail(ended.error());
    }
    stopped = std::move(*ended);
    remove_abandoned(*directory, options.tag);
    if (const std::string kept = options.keep_partial ? partial_archive(options, *directory) : "";
        !kept.empty()) {
      note_kept_archive(*directory, kept);
      return Cleaned{
          .text = fmt::format("the archive of {} is kept for the next attempt", options.tag),
          .json = {{"tag", options.tag},
                   {"stopped", stopped},
                   {"removed", removed},
                   {"kept", true},
                   {"archive", kept}}};
    }
  }
  Status outcome = remove_archives(
      options, directory != nullptr ? owner_of_archive(options, *directory) : geteuid(), removed);
  if (directory != nullptr) {
    for (const std::string& name :
         {outcome_file_name(options.tag), placing_file_name(options.tag),
          peer_log_name(options.tag) + ".log", seeder_log_name(options.tag) + ".log"}) {
      if (Status status = remove_file(directory->fd(), name, geteuid(), removed); !status) {
        outcome = status;
      }
    }
    for (const std::string& name :
         {outcome_file_name(options.tag), placing_file_name(options.tag)}) {
      archive::remove_leftovers(directory->path(), name);
    }
    remove_old_archives(*directory, time(nullptr));
  }
  if (!outcome) {
    return fail(outcome.error());
  }
  return Cleaned{.text = removed.size() == 0
                             ? nothing_there(options)
                             : fmt::format("removed {} {} of {}", removed.size(),
                                           removed.size() == 1 ? "file" : "files", options.tag),
                 .json = {{"tag", options.tag}, {"stopped", stopped}, {"removed", removed}}};
}

}  // namespace murder::host
