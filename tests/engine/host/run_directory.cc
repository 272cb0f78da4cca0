#include "engine/host/run_directory.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "../../temporary_directory.h"

namespace murder::host {
namespace {

std::string socket_name(int pid) {
  return std::to_string(pid) + ".sock";
}

// A socket file whose owner is gone.
void make_dead_socket(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.data(), path.size());
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(listen(fd, 1) == 0);
  close(fd);
}

}  // namespace

TEST_CASE("in a directory of others nothing is changed, and its lock is not waited for") {
  const TemporaryDirectory temporary;
  const std::string path = temporary.path() + "/run";
  const Result<ControlSocket> live = ControlSocket::create(path);
  REQUIRE(live);
  make_dead_socket(path + "/" + socket_name(1));
  const int locked = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(flock(locked, LOCK_EX) == 0);
  const Result<RunDirectory> directory = RunDirectory::open_of_others(path);
  REQUIRE(directory);
  CHECK(directory->live_sockets() == std::vector<std::string>{socket_name(getpid())});
  CHECK(access((path + "/" + socket_name(1)).c_str(), F_OK) == 0);
  close(locked);
  REQUIRE(symlink(path.c_str(), (temporary.path() + "/link").c_str()) == 0);
  CHECK_FALSE(RunDirectory::open_of_others(temporary.path() + "/link"));
}

TEST_CASE("the option wins over the environment, which wins over the defaults") {
  setenv("MURDER_RUN_DIR", "/tmp/from-environment", 1);
  CHECK(choose_run_directory("/tmp/from-option") == "/tmp/from-option");
  CHECK(choose_run_directory("") == "/tmp/from-environment");
  unsetenv("MURDER_RUN_DIR");
  CHECK(choose_run_directory("").starts_with("/"));
}

TEST_CASE("the default place does not depend on the session") {
  const char* session_before = std::getenv("XDG_RUNTIME_DIR");
  const std::string session = session_before == nullptr ? "" : session_before;
  unsetenv("MURDER_RUN_DIR");
  unsetenv("XDG_RUNTIME_DIR");
  const std::string without = choose_run_directory("");
  setenv("XDG_RUNTIME_DIR", "/run/user/4242", 1);
  CHECK(choose_run_directory("") == without);
  setenv("HOME", "/nonexistent", 1);
  CHECK(choose_run_directory("") == without);
  if (session.empty()) {
    unsetenv("XDG_RUNTIME_DIR");
  } else {
    setenv("XDG_RUNTIME_DIR", session.c_str(), 1);
  }
}

TEST_CASE("the pid of a control socket is in its name, also behind a path") {
  CHECK(pid_of_socket("12.sock") == 12);
  CHECK(pid_of_socket("12-3.sock") == 12);
  CHECK(pid_of_socket("/run/user/7/murder/12.sock") == 12);
  CHECK(pid_of_socket("12.log") == -1);
  CHECK(pid_of_socket("x.sock") == -1);
}

TEST_CASE("a socket whose name or directory was removed is lost") {
  const TemporaryDirectory temporary;
  const std::string path = temporary.path() + "/run";
  {
    const Result<ControlSocket> control = ControlSocket::create(path);
    REQUIRE(control);
    CHECK_FALSE(control->is_lost());
    REQUIRE(unlink((path + "/" + control->name()).c_str()) == 0);
    CHECK(control->is_lost());
    // Another's of the same name is not ours.
    std::ofstream(path + "/" + control->name()) << "x";
    CHECK(control->is_lost());
  }
  const Result<ControlSocket> control = ControlSocket::create(path);
  REQUIRE(control);
  CHECK_FALSE(control->is_lost());
  REQUIRE(unlink((path + "/" + control->name()).c_str()) == 0);
  REQUIRE(rmdir(path.c_str()) == 0);
  CHECK(control->is_lost());
}

TEST_CASE("a control socket is there while its owner lives and gone afterwards") {
  const TemporaryDirectory temporary;
  const std::string path = temporary.path() + "/run";
  {
    const Result<ControlSocket> control = ControlSocket::create(path);
    REQUIRE(control);
    CHECK(control->name() == socket_name(getpid()));
    const Result<RunDirectory> directory = RunDirectory::open_existing(path);
    REQUIRE(directory);
    CHECK(directory->live_sockets() == std::vector<std::string>{socket_name(getpid())});
    struct stat status {};
    REQUIRE(stat((path + "/" + control->name()).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600);
  }
  const Result<RunDirectory> directory = RunDirectory::open_existing(path);
  REQUIRE(directory);
  CHECK(directory->live_sockets().empty());
  CHECK(access((path + "/" + socket_name(getpid())).c_str(), F_OK) != 0);
}

TEST_CASE("a run directory is made for its owner alone") {
  const TemporaryDirectory temporary;
  const std::string path = temporary.path() + "/a/b";
  REQUIRE(RunDirectory::open(path));
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0700);
}

TEST_CASE("looking does not make a run directory") {
  const TemporaryDirectory temporary;
  const Result<RunDirectory> directory = RunDirectory::open_existing(temporary.path() + "/missing");
  REQUIRE_FALSE(directory);
  CHECK(directory.error().code == ErrorCode::not_found);
}

TEST_CASE("a file in the place of the run directory is an error") {
  const TemporaryDirectory temporary;
  const std::string path = temporary.path() + "/file";
  std::ofstream(path) << "x";
  CHECK_FALSE(RunDirectory::open(path));
}

TEST_CASE("a socket whose owner died is removed, other files are left alone") {
  const TemporaryDirectory temporary;
  const std::string dead = temporary.path() + "/123.sock";
  const std::string other = temporary.path() + "/notes.txt";
  make_dead_socket(dead);
  std::ofstream(other) << "x";
  const Result<RunDirectory> directory = RunDirectory::open(temporary.path());
  REQUIRE(directory);
  CHECK(directory->live_sockets().empty());
  CHECK(access(dead.c_str(), F_OK) != 0);
  CHECK(access(other.c_str(), F_OK) == 0);
}

TEST_CASE("a socket whose owner died before it had its name is removed, too") {
  const TemporaryDirectory temporary;
  const std::string path = temporary.path() + "/run";
  const Result<RunDirectory> directory = RunDirectory::open(path);
  REQUIRE(directory);
  make_dead_socket(path + "/.1.new");
  std::ofstream(path + "/.other.new") << "of somebody";
  CHECK(directory->live_sockets().empty());
  CHECK(access((path + "/.1.new").c_str(), F_OK) != 0);
  CHECK(access((path + "/.other.new").c_str(), F_OK) == 0);
}

TEST_CASE("a dead socket with the pid of a new process is replaced") {
  const TemporaryDirectory temporary;
  make_dead_socket(temporary.path() + "/" + socket_name(getpid()));
  const Result<ControlSocket> control = ControlSocket::create(temporary.path());
  REQUIRE(control);
  CHECK(control->name() == socket_name(getpid()));
}

TEST_CASE("a live socket with the same pid, as from another container, is not taken over") {
  const TemporaryDirectory temporary;
  const Result<ControlSocket> first = ControlSocket::create(temporary.path());
  const Result<ControlSocket> second = ControlSocket::create(temporary.path());
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->name() != second->name());
  CHECK(first->directory().live_sockets().size() == 2);
}

TEST_CASE("a run directory with a path longer than a socket address works") {
  const TemporaryDirectory temporary;
  const std::string path =
      temporary.path() + "/" + std::string(120, 'a') + "/" + std::string(120, 'b');
  const Result<ControlSocket> control = ControlSocket::create(path);
  REQUIRE(control);
  CHECK(control->directory().live_sockets().size() == 1);
  const Result<SocketOwner> owner = owner_of_socket(control->directory(), control->name());
  REQUIRE(owner);
  CHECK(owner->pid == getpid());
}

TEST_CASE("the owner's pidfd tells when the process ends") {
  const TemporaryDirectory temporary;
  int ready[2];
  int stop[2];
  REQUIRE(pipe2(ready, O_CLOEXEC) == 0);
  REQUIRE(pipe2(stop, O_CLOEXEC) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const Result<ControlSocket> control = ControlSocket::create(temporary.path());
    char byte = 'r';
    (void)!write(ready[1], &byte, 1);
    close(stop[1]);
    (void)!read(stop[0], &byte, 1);
    _exit(0);  // without removing its socket
  }
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  const Result<RunDirectory> directory = RunDirectory::open(temporary.path());
  REQUIRE(directory);
  const Result<SocketOwner> owner = owner_of_socket(*directory, socket_name(child));
  REQUIRE(owner);
  CHECK(owner->pid == child);
  pollfd source{.fd = owner->pidfd.get(), .events = POLLIN, .revents = 0};
  CHECK(poll(&source, 1, 0) == 0);
  close(stop[1]);
  CHECK(poll(&source, 1, 30'000) == 1);
  waitpid(child, nullptr, 0);
  const Result<SocketOwner> gone = owner_of_socket(*directory, socket_name(child));
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == ErrorCode::not_found);  // not a process that does not answer
  CHECK(directory->live_sockets().empty());
  for (const int fd : {ready[0], ready[1], stop[0]}) {
    close(fd);
  }
}

}  // namespace murder::host
