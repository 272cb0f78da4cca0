#include "cli/peer_outcome.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

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

Status write_outcome(const std::string& run_directory_option, std::string_view tag,
                     const Json& outcome) {
  const Result<RunDirectory> directory = RunDirectory::open(run_directory_option);
  if (!directory) {
    return fail(directory.error());
  }
  const std::string name = outcome_file_name(tag);
  const std::string fresh = name + ".new";
  const std::string path = directory->path() + "/" + name;
  const io::Fd fd(openat(directory->fd(), fresh.c_str(),
                         O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.is_open()) {
    return fail_errno(errno, "cannot write " + path);
  }
  Status written = write_all(fd.get(), json_text(outcome) + "\n", path);
  if (written && renameat(directory->fd(), fresh.c_str(), directory->fd(), name.c_str()) != 0) {
    written = fail_errno(errno, "cannot write " + path);
  }
  if (!written) {
    unlinkat(directory->fd(), fresh.c_str(), 0);
  }
  return written;
}

Result<Json> read_outcome(const RunDirectory& directory, std::string_view tag) {
  const std::string name = outcome_file_name(tag);
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
  Result<Json> outcome = parse_json(text);
  if (!outcome || text_member(*outcome, "state").empty()) {
    return fail(ErrorCode::io, path + " is not a peer's outcome: `murder clean` removes it");
  }
  return outcome;
}

}  // namespace murder::cli
