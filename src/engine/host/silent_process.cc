#include "engine/host/silent_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/host/control.h"
#include "engine/host/peer_outcome.h"

namespace murder::host {
namespace {

constexpr std::string_view log_suffix = ".log";

// "peer-v42.log" is of a peer of v42.
Json status_by_log(std::string_view name) {
  if (!name.ends_with(log_suffix)) {
    return Json::object();
  }
  name.remove_suffix(log_suffix.size());
  // "tracker-8998.log" is of one that listens on that port.
  if (const std::string prefix = tracker_log_name(""); name.starts_with(prefix)) {
    return {{"kind", kind_tracker}, {"address", fmt::format(":{}", name.substr(prefix.size()))}};
  }
  const std::string peer_prefix = peer_log_name("");
  const std::string seeder_prefix = seeder_log_name("");
  for (const auto& [prefix, kind] :
       {std::pair(peer_prefix, kind_peer), std::pair(seeder_prefix, kind_seeder)}) {
    if (name.starts_with(prefix) && name.size() > prefix.size()) {
      return {{"kind", kind}, {"tag", name.substr(prefix.size())}};
    }
  }
  return Json::object();
}

}  // namespace

Json status_of_silent(const RunDirectory& directory, int pid) {
  struct stat output {};
  if (stat(fmt::format("/proc/{}/fd/1", pid).c_str(), &output) != 0 || !S_ISREG(output.st_mode)) {
    return Json::object();
  }
  const int listing_fd = openat(directory.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* listing = listing_fd < 0 ? nullptr : fdopendir(listing_fd);
  if (listing == nullptr) {
    if (listing_fd >= 0) {
      close(listing_fd);
    }
    return Json::object();
  }
  Json status = Json::object();
  while (const dirent* entry = readdir(listing)) {
    struct stat log {};
    if (fstatat(directory.fd(), entry->d_name, &log, AT_SYMLINK_NOFOLLOW) == 0 &&
        log.st_dev == output.st_dev && log.st_ino == output.st_ino) {
      status = status_by_log(entry->d_name);
      break;
    }
  }
  closedir(listing);
  return status;
}

bool is_stopped(int pid) {
  const io::Fd file(open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 512> text{};
  const ssize_t size = file.is_open() ? read(file.get(), text.data(), text.size() - 1) : 0;
  const char* name_end = size > 0 ? std::strrchr(text.data(), ')') : nullptr;  // it may hold any
  return name_end != nullptr && (name_end[2] == 'T' || name_end[2] == 't');
}

}  // namespace murder::host
