#include "engine/host/peer_outcome.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "engine/base/small_file.h"
#include "engine/host/file_identity.h"

namespace murder::host {
namespace {

constexpr size_t outcome_bytes_max = 64 * 1024;

// In one step: a reader sees the old one or the new one.
Status write_json(const std::string& run_directory_option, const std::string& name,
                  const Json& value, bool sync_to_disk) {
  const Result<RunDirectory> directory = RunDirectory::open(run_directory_option);
  if (!directory) {
    return fail(directory.error());
  }
  return write_small_file({.directory_fd = directory->fd(),
                           .directory = directory->path(),
                           .name = name,
                           .sync_to_disk = sync_to_disk},
                          json_text(value) + "\n");
}

Result<Json> read_json(const RunDirectory& directory, const std::string& name) {
  const Result<std::string> text =
      read_small_file({.directory_fd = directory.fd(), .directory = directory.path(), .name = name},
                      outcome_bytes_max);
  return text ? parse_json(*text) : fail(text.error());
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

std::string tracker_log_name(std::string_view port) {
  return fmt::format("tracker-{}", port);
}

std::string placing_file_name(std::string_view tag) {
  return fmt::format("peer-{}.placing", tag);
}

Status write_outcome(const std::string& run_directory_option, std::string_view tag,
                     const Json& outcome, bool sync_to_disk) {
  return write_json(run_directory_option, outcome_file_name(tag), outcome, sync_to_disk);
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

bool is_cleaned_up(const std::string& run_directory_option, std::string_view tag) {
  const Result<RunDirectory> directory = RunDirectory::open_existing(run_directory_option);
  const Result<Json> outcome = directory ? read_outcome(*directory, tag) : fail(directory.error());
  return !outcome && outcome.error().code == ErrorCode::not_found;
}

void note_placing(const std::string& run_directory_option, std::string_view tag,
                  std::string_view info_hash, int directory_fd, bool sync_to_disk,
                  std::string_view sha256) {
  const Json tree = identity_of(directory_fd, "");
  if (!tree.is_null()) {
    Json note = {{"info_hash", info_hash}, {"tree", tree}};
    if (!sha256.empty()) {
      note["sha256"] = sha256;
    }
    // Should it fail, the next peer says that something is there.
    static_cast<void>(write_json(run_directory_option, placing_file_name(tag), note, sync_to_disk));
  }
}

bool was_placed(const std::string& run_directory_option, std::string_view tag,
                std::string_view info_hash, const std::string& path, std::string_view sha256) {
  const Result<RunDirectory> directory = RunDirectory::open_existing(run_directory_option);
  if (!directory) {
    return false;
  }
  const Result<Json> noted = read_json(*directory, placing_file_name(tag));
  const Json tree = identity_of(AT_FDCWD, path);
  return noted && text_member(*noted, "info_hash") == info_hash &&
         (sha256.empty() || text_member(*noted, "sha256") == sha256) &&
         is_same_identity((*noted)["tree"], tree);
}

void forget_placing(const std::string& run_directory_option, std::string_view tag) {
  const Result<RunDirectory> directory = RunDirectory::open_existing(run_directory_option);
  if (directory) {
    unlinkat(directory->fd(), placing_file_name(tag).c_str(), 0);
  }
}

}  // namespace murder::host
