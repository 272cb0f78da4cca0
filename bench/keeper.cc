// Runs a command and accounts for it and for all it leaves behind, by the kernel's own figures.
//
//   bench_keeper REPORT GRACE_SECONDS COMMAND [ARGUMENT...]
//
// What the command starts becomes a child of the keeper when its parent ends, so that nothing is
// missed. When everything has ended, REPORT gets one JSON object, and the keeper ends. When
// standard input is closed (whoever asked for the command is gone, or has enough of it), the
// keeper's children get SIGTERM, and after the grace time all below it SIGKILL.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Account {
  pid_t command = -1;
  int code = -1;  // negative: the signal that ended the command
  double user_seconds = 0;
  double system_seconds = 0;
  long peak_kib = 0;
  Clock::time_point started_at;
  Clock::time_point command_ended_at;
};

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// Takes in what has ended. False: there is no child left.
bool reap(Account& account) {
  while (true) {
    int status = 0;
    rusage usage{};
    const pid_t pid = wait4(-1, &status, WNOHANG, &usage);
    if (pid == 0 || (pid < 0 && errno == EINTR)) {
      return true;
    }
    if (pid < 0) {
      return false;
    }
    // Includes the descendants that this child has waited for itself.
    account.user_seconds += seconds_of(usage.ru_utime);
    account.system_seconds += seconds_of(usage.ru_stime);
    account.peak_kib = std::max(account.peak_kib, usage.ru_maxrss);
    if (pid == account.command) {
      account.command_ended_at = Clock::now();
      account.code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    }
  }
}

std::vector<pid_t> children_of(pid_t pid) {
  // A process of one thread is enough here: whoever starts others from threads is asked by its
  // main.
  std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) {
    children.push_back(child);
  }
  return children;
}

void kill_below(pid_t pid) {
  for (const pid_t child : children_of(pid)) {
    kill_below(child);
    kill(child, SIGKILL);
  }
}

pid_t start(char** command) {
  const pid_t pid = fork();
  if (pid != 0) {
    return pid;
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(nothing, STDIN_FILENO);
  execvp(command[0], command);
  std::fprintf(stderr, "%s: %s\n", command[0], std::strerror(errno));
  _exit(127);
}

bool write_report(const char* path, const Account& account) {
  std::FILE* file = std::fopen(path, "we");
  if (file == nullptr) {
    return false;
  }
  const std::chrono::duration<double> command = account.command_ended_at - account.started_at;
  const std::chrono::duration<double> all = Clock::now() - account.started_at;
  std::fprintf(file,
               "{\"code\": %d, \"user_seconds\": %.6f, \"system_seconds\": %.6f, "
               "\"peak_bytes\": %ld, \"command_seconds\": %.6f, \"wall_seconds\": %.6f}\n",
               account.code, account.user_seconds, account.system_seconds, account.peak_kib * 1024,
               command.count(), all.count());
  return std::fclose(file) == 0;
}

// Until nothing is left.
void keep(Account& account, int signals, std::chrono::seconds grace) {
  bool is_ending = false;
  std::optional<Clock::time_point> kill_at;
  while (reap(account)) {
    constexpr int kill_interval_ms = 100;
    pollfd watched[] = {{.fd = signals, .events = POLLIN, .revents = 0},
                        {.fd = is_ending ? -1 : STDIN_FILENO, .events = POLLIN, .revents = 0}};
    if (poll(watched, 2, is_ending ? kill_interval_ms : -1) < 0 && errno != EINTR) {
      std::perror("bench_keeper: poll");
      std::exit(EXIT_FAILURE);
    }
    signalfd_siginfo signal{};
    if (watched[0].revents != 0 && read(signals, &signal, sizeof(signal)) > 0) {
      is_ending = is_ending || signal.ssi_signo != SIGCHLD;
    }
    is_ending = is_ending || watched[1].revents != 0;
    if (is_ending && !kill_at) {
      kill_at = Clock::now() + grace;
      for (const pid_t child : children_of(getpid())) {
        kill(child, SIGTERM);
      }
    } else if (is_ending && Clock::now() >= *kill_at) {
      kill_below(getpid());
    }
  }
}

}  // namespace

int main(int argument_count, char** arguments) {
  constexpr int least_arguments = 4;
  if (argument_count < least_arguments) {
    std::fputs("usage: bench_keeper REPORT GRACE_SECONDS COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&watched, number);
  }
  sigprocmask(SIG_BLOCK, &watched, nullptr);
  const int signals = signalfd(-1, &watched, SFD_CLOEXEC);
  Account account;
  account.started_at = Clock::now();
  account.command = start(arguments + 3);
  if (signals < 0 || account.command < 0) {
    std::perror("bench_keeper");
    return EXIT_FAILURE;
  }
  keep(account, signals, std::chrono::seconds(std::atoi(arguments[2])));
  return write_report(arguments[1], account) ? EXIT_SUCCESS : EXIT_FAILURE;
}
