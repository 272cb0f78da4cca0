#include "cli/peer_outcome.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "cli/file_identity.h"

namespace murder::cli {
namespace {

constexpr size_t outcome_bytes_max = 64 * 1024;

Status write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t size = write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      return fail_errno(errno, "cannot write " + path);
    }
    text.remove_prefix(static_cast<size_t>(size));
  }
  return {};
}

// In one step: a reader sees the old one or the new one.
Status write_json(const std::string& run_directory_option, const std::string& name,
                  const Json& value) {
  const Result<RunDirectory> directory = RunDirectory::open(run_directory_option);
  if (!directory) {
    return fail(directory.error());
  }
  const std::string fresh = name + ".new";
  const std::string path = directory->path() + "/" + name;
  const io::Fd fd(openat(directory->fd(), fresh.c_str(),
                         O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.is_open()) {
    return fail_errno(errno, "cannot write " + path);
  }
  Status written = write_all(fd.get(), json_text(value) + "\n", path);
  if (written && renameat(directory->fd(), fresh.c_str(), directory->fd(), name.c_str()) != 0) {
    written = fail_errno(errno, "cannot write " + path);
  }
  if (!written) {
    unlinkat(directory->fd(), fresh.c_str(), 0);
  }
  return written;
}

Result<Json> read_json(const RunDirectory& directory, const std::string& name) {
  const std::string path = directory.path() + "/" + name;
  const io::Fd fd(openat(directory.fd(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.is_open()) {
    return fail_errno(errno, path);
  }
  std::string text(outcome_bytes_max, '\0');
  const ssize_t size = read(fd.get(), text.data(), text.size());
  if (size < 0) {
    return fail_errno(errno, "cannot read " + path);
  }
  text.resize(static_cast<size_t>(size));
  return parse_json(text);
}

}  // namespace

std::string outcome_file_name(std::string_view tag) {
  return fmt::format("peer-{}.outcome", tag);
}

std::string peer_log_name(std::string_view tag) {
  return fmt::format("peer-{}", tag);
}

std::string seeder_log_name(std::string_view tag) {
  return fmt::format("seed-{}", tag);
}

std::string placing_file_name(std::string_view tag) {
  return fmt::format("peer-{}.placing", tag);
}

Status write_outcome(const std::string& run_directory_option, std::string_view tag,
                     const Json& outcome) {
  return write_json(run_directory_option, outcome_file_name(tag), outcome);
}

Result<Json> read_outcome(const RunDirectory& directory, std::string_view tag) {
  const std::string name = outcome_file_name(tag);
  Result<Json> outcome = read_json(directory, name);
  if (!outcome && outcome.error().code != ErrorCode::invalid_input) {
    return outcome;
  }
  if (!outcome || text_member(*outcome, "state").empty()) {
    return fail(ErrorCode::io, directory.path() + "/" + name +
                                   " is not a peer's outcome: `murder clean` removes it");
  }
  return outcome;
}

void note_placing(const std::string& run_directory_option, std::string_view tag,
                  std::string_view info_hash, int directory_fd) {
  const Json tree = identity_of(directory_fd, "");
  if (!tree.is_null()) {
    // Should it fail, the next peer says that something is there.
    static_cast<void>(write_json(run_directory_option, placing_file_name(tag),
                                 {{"info_hash", info_hash}, {"tree", tree}}));
  }
}

bool was_placed(const std::string& run_directory_option, std::string_view tag,
                std::string_view info_hash, const std::string& path) {
  const Result<RunDirectory> directory = RunDirectory::open_existing(run_directory_option);
  if (!directory) {
    return false;
  }
  const Result<Json> noted = read_json(*directory, placing_file_name(tag));
  const Json tree = identity_of(AT_FDCWD, path);
  return noted && !tree.is_null() && text_member(*noted, "info_hash") == info_hash &&
         (*noted)["tree"] == tree;
}

void forget_placing(const std::string& run_directory_option, std::string_view tag) {
  const Result<RunDirectory> directory = RunDirectory::open_existing(run_directory_option);
  if (directory) {
    unlinkat(directory->fd(), placing_file_name(tag).c_str(), 0);
  }
}

}  // namespace murder::cli
