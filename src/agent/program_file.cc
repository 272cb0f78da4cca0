#include "agent/program_file.h"

#include <sys/stat.h>

#include <utility>

namespace murder::agent {

ProgramFile::ProgramFile(std::string path) : path_(std::move(path)), own_(look()), seen_(own_) {}

ProgramFile::Identity ProgramFile::look() const {
  struct stat status {};
  if (stat(path_.c_str(), &status) != 0) {
    return {};
  }
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .changed_s = status.st_ctim.tv_sec,
          .changed_ns = status.st_ctim.tv_nsec};
}

bool ProgramFile::is_replaced() {
  const Identity now = look();
  const bool is_settled = now == std::exchange(seen_, now);
  return is_settled && !(now == own_) && !(now == Identity{});
}

void ProgramFile::reject() {
  own_ = seen_;
}

}  // namespace murder::agent
