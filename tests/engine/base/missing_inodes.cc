#include "engine/base/missing_inodes.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "../../temporary_directory.h"

namespace murder {
namespace {

// In a child with a file system of three inodes (root's among them) at `path`: the exit status.
template <typename Body>
int status_on_few_inodes(const std::string& path, Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", path.c_str(), "tmpfs", 0, "nr_inodes=3") != 0) {
      ::_exit(2);
    }
    ::_exit(body() ? 0 : 1);
  }
  int state = 0;
  return ::waitpid(child, &state, 0) == child && WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

bool contains(const Error& error, const std::string& text) {
  return error.text.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("no inodes are told from no space, by descriptor and by path") {
  const TemporaryDirectory directory;
  const std::string& place = directory.path();
  const int status = status_on_few_inodes(place, [&place] {
    const int fd = ::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool had_some = !lacks_inodes(fd) && !lacks_inodes(place);
    const Error full = fail_making(ENOSPC, fd, "cannot make x").value();
    while (::mkdirat(fd, std::to_string(::rand()).c_str(), 0700) == 0) {
    }
    const int error_number = errno;
    const Error here = fail_making(error_number, fd, "cannot make x").value();
    const Error there = fail_making(error_number, place + "/a/b", "cannot make x").value();
    const Error other = fail_making(EACCES, fd, "cannot make x").value();
    return had_some && lacks_inodes(fd) && lacks_inodes(place + "/not/there") &&
           here.code == ErrorCode::no_space && names_missing_inodes(here) &&
           names_missing_inodes(there) && contains(there, place + "/a/b") &&
           contains(here, "cannot make x: no inodes left") && !names_missing_inodes(full) &&
           contains(full, "No space left") && !names_missing_inodes(other);
  });
  if (status == 2) {
    MESSAGE("no file system can be mounted here");
    return;
  }
  CHECK(status == 0);
}

}  // namespace murder
