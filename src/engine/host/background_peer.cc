#include "engine/host/background_peer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "engine/host/control.h"
#include "engine/host/peer_outcome.h"
#include "engine/host/processes.h"
#include "engine/io/sockets.h"

namespace murder::host {
namespace {

constexpr off_t peer_log_tail_bytes = 2000;

Json failed_outcome(const std::string& text) {
  return {{"state", outcome_failed}, {"error", {{"code", "interrupted"}, {"text", text}}}};
}

// The peer as its control socket tells, if it does; nothing when there is none.
std::optional<Json> process_status(const RunDirectory& directory, const std::string& tag) {
  for (const RunningProcess& process : list_processes(directory)) {
    if (process.kind() == kind_peer && process.tag() == tag) {
      return process.status;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Json> look_at_peer(const RunDirectory& directory, const std::string& tag,
                          const PeerLook& look) {
  Result<Json> outcome = read_outcome(directory, tag);
  if (!outcome) {
    if (outcome.error().code == ErrorCode::not_found) {
      return fail(ErrorCode::not_found,
                  fmt::format("no peer of {} was started here with --background (looked in {})",
                              tag, directory.path()));
    }
    return outcome;
  }
  if (text_member(*outcome, "state") != outcome_running || !look.asks_process) {
    return outcome;
  }
  const std::optional<Json> status = process_status(directory, tag);
  if (!status) {
    outcome = read_outcome(directory, tag);  // it may have ended between the two looks
    if (outcome && text_member(*outcome, "state") == outcome_running) {
      return failed_outcome("the peer ended without a word: it was killed");
    }
    return outcome;
  }
  for (const char* key : {"phase", "done_bytes", "total_bytes", "peers"}) {
    if (status->contains(key)) {
      (*outcome)[key] = (*status)[key];
    }
  }
  return outcome;
}

Result<bool> is_fetched_here(const std::string& run_directory, const std::string& tag,
                             const InfoHash& release) {
  const Result<RunDirectory> directory = RunDirectory::open_existing(run_directory);
  if (!directory) {
    return directory.error().code == ErrorCode::not_found ? Result<bool>(false)
                                                          : Result<bool>(fail(directory.error()));
  }
  const Result<Json> outcome = read_outcome(*directory, tag);
  if (!outcome || text_member(*outcome, "state") != outcome_running) {
    return false;
  }
  const std::optional<Json> status = process_status(*directory, tag);
  return status && text_member(*status, "info_hash") == release.hex() &&
         text_member(*status, "phase") != "seeding";
}

bool has_other_peer(const std::string& run_directory, const std::string& tag, int own_pid) {
  const Result<RunDirectory> directory = RunDirectory::open_existing(run_directory);
  if (!directory) {
    return false;
  }
  const std::vector<RunningProcess> others = list_processes(*directory, own_pid);
  return std::ranges::any_of(others, [&tag](const RunningProcess& process) {
    return process.kind() == kind_peer && process.tag() == tag;
  });
}

Json with_place_checked(Json outcome) {
  const std::string path = text_member(outcome, "path");
  if (text_member(outcome, "state") == outcome_done && !path.empty() &&
      access(path.c_str(), F_OK) != 0) {
    return failed_outcome(path + " was delivered, and is no longer there");
  }
  return outcome;
}

std::string peer_log_tail(const RunDirectory& directory, const std::string& tag) {
  const std::string name = peer_log_name(tag) + ".log";
  const io::Fd fd(openat(directory.fd(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status {};
  if (!fd.is_open() || fstat(fd.get(), &status) != 0) {
    return {};
  }
  std::string text(static_cast<size_t>(peer_log_tail_bytes), '\0');
  const off_t from = std::max<off_t>(0, status.st_size - peer_log_tail_bytes);
  const ssize_t size = pread(fd.get(), text.data(), text.size(), from);
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

}  // namespace murder::host
