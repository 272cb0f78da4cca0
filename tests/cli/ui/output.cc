#include "cli/ui/output.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "cli/ui/stop_signals.h"

namespace murder::cli {
namespace {

// Runs `check` in a process of its own, since it replaces standard descriptors; `true` is right.
template <typename Check>
bool holds_in_a_child(Check check) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);  // what waits for ever is wrong
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    _exit(check() ? 0 : 1);
  }
  int state = 0;
  while (waitpid(child, &state, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

// Puts the writing end of a pipe with no room at `fd`; returns the reading end.
int replace_by_full_pipe(int fd) {
  int ends[2] = {-1, -1};
  if (pipe(ends) != 0 || fcntl(ends[1], F_SETFL, O_NONBLOCK) != 0) {
    _exit(2);
  }
  const std::string block(4096, 'x');
  while (write(ends[1], block.data(), block.size()) > 0) {
  }
  fcntl(ends[1], F_SETFL, 0);
  dup2(ends[1], fd);
  close(ends[1]);
  return ends[0];
}

std::string read_all(int fd) {
  std::string all;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(fd, buffer, sizeof(buffer))) > 0;) {
    all.append(buffer, static_cast<size_t>(count));
  }
  return all;
}

}  // namespace

TEST_CASE("a message for a pipe that nobody reads is dropped, and the pipe stays as it is") {
  CHECK(holds_in_a_child([] {
    const int reading_fd = replace_by_full_pipe(STDERR_FILENO);
    for (int turn = 0; turn < 100; ++turn) {
      print_message("lost\n");
    }
    const bool blocks_others = (fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) == 0;
    char buffer[4096];
    for (int turn = 0; turn < 16; ++turn) {
      (void)!read(reading_fd, buffer, sizeof(buffer));
    }
    print_message("seen\n");
    close(STDERR_FILENO);
    return blocks_others && read_all(reading_fd) == "seen\n";
  }));
}

TEST_CASE("a message for a socket that nobody reads is dropped") {
  CHECK(holds_in_a_child([] {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
      return false;
    }
    dup2(ends[0], STDERR_FILENO);
    const std::string block(1024 * 1024, 'x');
    print_message(block);
    print_message(block);
    return true;
  }));
}

TEST_CASE("a result with a bound is given up, one without waits for its reader") {
  CHECK(holds_in_a_child([] {
    const int reading_fd = replace_by_full_pipe(STDOUT_FILENO);
    if (print_result("lost\n", std::chrono::milliseconds(50)) != EAGAIN) {
      return false;
    }
    const pid_t reader = fork();
    if (reader == 0) {
      close(STDOUT_FILENO);
      usleep(200'000);
      _exit(read_all(reading_fd).ends_with("xseen\n") ? 0 : 1);
    }
    close(reading_fd);
    const int error_number = print_result("seen\n");
    close(STDOUT_FILENO);
    int state = 0;
    return error_number == 0 && waitpid(reader, &state, 0) == reader && state == 0;
  }));
}

TEST_CASE("a pipe that another process has made non-blocking is waited for") {
  CHECK(holds_in_a_child([] {
    const int reading_fd = replace_by_full_pipe(STDOUT_FILENO);
    fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    const pid_t reader = fork();
    if (reader == 0) {
      close(STDOUT_FILENO);
      usleep(200'000);
      _exit(read_all(reading_fd).ends_with("xseen\n") ? 0 : 1);
    }
    close(reading_fd);
    const int error_number = print_result("seen\n");
    close(STDOUT_FILENO);
    int state = 0;
    return error_number == 0 && waitpid(reader, &state, 0) == reader && state == 0;
  }));
}

TEST_CASE("what cannot be written at all is an errno, or nothing") {
  CHECK(holds_in_a_child([] {
    for (const char* path : {"/dev/full", "/dev/null"}) {
      const int fd = open(path, O_WRONLY);
      dup2(fd, STDERR_FILENO);
      dup2(fd, STDOUT_FILENO);
      print_message("lost\n");
      if (print_result("lost\n") != (std::string_view(path) == "/dev/full" ? ENOSPC : 0)) {
        return false;
      }
    }
    int ends[2] = {-1, -1};
    (void)!pipe(ends);
    close(ends[0]);
    dup2(ends[1], STDERR_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    print_message("lost\n");
    return print_result("lost\n") == EPIPE && print_result("lost\n", Duration::zero()) == EPIPE;
  }));
}

TEST_CASE("a terminal that is gone is an errno, or nothing") {
  CHECK(holds_in_a_child([] {
    const int master_fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (master_fd < 0 || grantpt(master_fd) != 0 || unlockpt(master_fd) != 0) {
      return false;
    }
    const int terminal_fd = open(ptsname(master_fd), O_RDWR | O_NOCTTY);
    dup2(terminal_fd, STDERR_FILENO);
    dup2(terminal_fd, STDOUT_FILENO);
    print_message("seen\n");
    close(master_fd);
    print_message("lost\n");
    return print_result("lost\n") == EIO && print_result("lost\n", Duration::zero()) == EIO;
  }));
}

TEST_CASE("descriptors that are closed from the start are not taken by others") {
  CHECK(holds_in_a_child([] {
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    hold_closed_descriptors();
    const int next_fd = open("/dev/null", O_RDWR);
    char byte = 0;
    return next_fd > STDERR_FILENO && read(STDIN_FILENO, &byte, 1) < 0 &&
           print_result("lost\n") == EBADF;
  }));
}

TEST_CASE("a second SIGHUP does not end what cleans up, a second SIGTERM does") {
  CHECK(holds_in_a_child([] {
    const StopSignals stop;
    raise(SIGHUP);
    const bool is_asked = stop.flag().is_set();
    raise(SIGHUP);
    raise(SIGHUP);
    return is_asked;
  }));
  CHECK_FALSE(holds_in_a_child([] {
    const StopSignals stop;
    raise(SIGTERM);
    raise(SIGTERM);
    return true;
  }));
}

}  // namespace murder::cli
