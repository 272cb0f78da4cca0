#include "engine/host/room_check.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>

#include "engine/base/units.h"

namespace murder::host {
namespace {

std::string nearest_directory(const std::string& path) {
  std::filesystem::path directory(path);
  std::error_code error;
  while (!std::filesystem::exists(directory, error) && directory.has_relative_path()) {
    directory = directory.parent_path();
  }
  return directory.empty() ? "." : directory.string();
}

}  // namespace

bool are_on_one_file_system(const std::string& directory, const std::string& other) {
  struct stat first {};
  struct stat second {};
  return stat(nearest_directory(directory).c_str(), &first) == 0 &&
         stat(nearest_directory(other).c_str(), &second) == 0 && first.st_dev == second.st_dev;
}

Status check_room(const std::string& directory, const RoomNeeded& needed) {
  const std::string place = nearest_directory(directory);
  struct statvfs status {};
  // What cannot be asked is found out when it is written; ramfs counts nothing.
  if (statvfs(place.c_str(), &status) != 0 || status.f_blocks == 0) {
    return {};
  }
  const bool is_root = geteuid() == 0;
  const uint64_t free_bytes =
      uint64_t{is_root ? status.f_bfree : status.f_bavail} * status.f_frsize;
  const bool holds_both =
      needed.archive_bytes > 0 && are_on_one_file_system(place, needed.archive_directory);
  const uint64_t bytes = needed.unpacked_bytes + (holds_both ? needed.archive_bytes : 0);
  if (bytes > free_bytes) {
    return fail(ErrorCode::no_space,
                fmt::format("the disk of {} is too full: the release takes {} there{}, {} are "
                            "free",
                            directory, format_size(needed.unpacked_bytes),
                            holds_both ? fmt::format(" and its archive {} more in {}",
                                                     format_size(needed.archive_bytes),
                                                     needed.archive_directory)
                                       : "",
                            format_size(free_bytes)));
  }
  const uint64_t free_entries = is_root ? status.f_ffree : status.f_favail;
  if (status.f_files > 0 && needed.entries > free_entries) {
    return fail(
        ErrorCode::no_space,
        fmt::format("the file system of {} has too few inodes: the release has {} files and "
                    "directories, {} more can be made there",
                    directory, needed.entries, free_entries));
  }
  return {};
}

}  // namespace murder::host
