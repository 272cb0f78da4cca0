#include "engine/host/processes.h"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "../../temporary_directory.h"
#include "engine/host/service_processes.h"

namespace murder::host {
namespace {

// Takes connections and ends them without an answer.
void hang_up_on_all(int listening_fd) {
  for (int fd = accept(listening_fd, nullptr, nullptr); fd >= 0;
       fd = accept(listening_fd, nullptr, nullptr)) {
    close(fd);
  }
}

// A process with a control socket that answers nothing. With `main_thread_ends` it is half torn
// down: its main thread is gone, another one still holds the socket open.
int start_process(const std::string& run_directory, bool main_thread_ends) {
  int ready[2] = {-1, -1};
  REQUIRE(pipe(ready) == 0);
  const int pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    Result<ControlSocket> control = ControlSocket::create(run_directory);
    if (!control) {
      _exit(1);
    }
    std::thread other(hang_up_on_all, control->release_fd());
    (void)!write(ready[1], "x", 1);
    if (main_thread_ends) {
      // Without unwinding, so that the socket keeps its name.
      syscall(SYS_exit, 0);
    }
    other.join();
    _exit(0);
  }
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  close(ready[0]);
  close(ready[1]);
  return pid;
}

bool is_zombie_soon(int pid) {
  for (int turn = 0; turn < 1000; ++turn) {
    char command[64];
    std::snprintf(command, sizeof(command), "/proc/%d/stat", pid);
    FILE* file = std::fopen(command, "r");
    char state = 0;
    const bool found = file != nullptr && std::fscanf(file, "%*d %*s %c", &state) == 1;
    if (file != nullptr) {
      std::fclose(file);
    }
    if (found && state == 'Z') {
      return true;
    }
    usleep(10'000);
  }
  return false;
}

void end_process(int pid) {
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

}  // namespace

TEST_CASE("a process that is being torn down is not listed although its socket is there") {
  const TemporaryDirectory temporary;
  const std::string path = temporary.path() + "/run";
  const int pid = start_process(path, true);
  REQUIRE(is_zombie_soon(pid));
  const Result<RunDirectory> directory = RunDirectory::open_existing(path);
  REQUIRE(directory);
  CHECK(directory->live_sockets().size() == 1);
  CHECK(list_processes(*directory).empty());
  end_process(pid);
}

TEST_CASE("a process that lives and does not answer is listed with its problem") {
  const TemporaryDirectory temporary;
  const std::string path = temporary.path() + "/run";
  const int pid = start_process(path, false);
  const Result<RunDirectory> directory = RunDirectory::open_existing(path);
  REQUIRE(directory);
  const std::vector<RunningProcess> listed = list_processes(*directory);
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].pid == pid);
  CHECK_FALSE(listed[0].problem.empty());
  end_process(pid);
}

TEST_CASE("services are listed by their units, and nothing else beside them") {
  const TemporaryDirectory temporary;
  std::filesystem::create_directories(temporary.path() + "/murder-seed/stopped");
  std::vector<int> pids;
  for (const char* name : {"murder-tracker", "murder-seed/v2", "murder-seed/v1\\x2b2", "murder"}) {
    pids.push_back(start_process(temporary.path() + "/" + name, false));
  }
  const std::vector<ServiceProcess> services = list_services(temporary.path());
  REQUIRE(services.size() == 3);
  CHECK(services[0].unit == "murder-seed@v1\\x2b2.service");
  CHECK(services[0].process.pid == pids[2]);
  CHECK(services[1].unit == "murder-seed@v2.service");
  CHECK(services[2].unit == "murder-tracker.service");
  CHECK(list_services_beside(temporary.path()).empty());
  for (const int pid : pids) {
    end_process(pid);
  }
}

}  // namespace murder::host
