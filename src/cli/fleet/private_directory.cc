#include "cli/fleet/private_directory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "engine/archive/tree_removal.h"

namespace murder::fleet {
namespace {

constexpr const char* name_start = "murder-deploy-";
// One that was made a moment ago may not be locked yet.
constexpr time_t young_seconds = 60;

io::Fd open_directory(const std::string& path) {
  return io::Fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

bool is_abandoned(const io::Fd& fd) {
  struct stat status {};
  return fd.is_open() && fstat(fd.get(), &status) == 0 && status.st_uid == geteuid() &&
         time(nullptr) - status.st_mtime > young_seconds && flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

void remove_abandoned(const std::string& parent) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(parent, error)) {
    const std::string path = entry.path().string();
    if (entry.path().filename().string().starts_with(name_start) &&
        is_abandoned(open_directory(path))) {
      (void)archive::remove_tree(path);
    }
  }
}

}  // namespace

Result<PrivateDirectory> PrivateDirectory::make(const std::string& parent) {
  remove_abandoned(parent);
  std::string path = parent + "/" + name_start + "XXXXXX";
  if (mkdtemp(path.data()) == nullptr) {
    return fail_errno(errno, "cannot make a directory in " + parent + " of this machine");
  }
  io::Fd lock = open_directory(path);
  if (lock.is_open()) {
    (void)flock(lock.get(), LOCK_EX | LOCK_NB);
  }
  return PrivateDirectory(std::move(path), std::move(lock));
}

PrivateDirectory::PrivateDirectory(PrivateDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

PrivateDirectory::~PrivateDirectory() {
  if (!path_.empty()) {
    (void)archive::remove_tree(path_);
  }
}

}  // namespace murder::fleet
