#include "engine/host/processes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "engine/base/units.h"
#include "engine/host/silent_process.h"
#include "engine/http/blocking_client.h"

namespace murder::host {
namespace {

constexpr Duration answer_wait = std::chrono::seconds(3);
constexpr int end_wait_ms = 500;

Result<Json> ask(const RunDirectory& directory, const std::string& socket_name,
                 std::string_view method, std::string_view path, Duration wait_max = answer_wait) {
  const Result<http::Reply> reply =
      http::blocking_request(fmt::format("http://local{}", path),
                             {.method = std::string(method),
                              .timeout = wait_max,
                              .unix_socket_path = directory.socket_path(socket_name)});
  if (!reply) {
    return fail(reply.error());
  }
  if (reply->status != 200) {
    return fail(ErrorCode::network, fmt::format("it answered with status {}", reply->status));
  }
  return parse_json(reply->body);
}

bool has_ended(int pidfd, int wait_ms) {
  pollfd source{.fd = pidfd, .events = POLLIN, .revents = 0};
  return poll(&source, 1, wait_ms) == 1;
}

// Whether the process is being torn down (PF_EXITING, or a zombie). Its socket still takes
// connections then, until the kernel has ended its ring, but nobody will answer; with writes under
// way that takes a while.
bool is_ending(int pid) {
  constexpr unsigned long exiting_flag = 0x4;  // PF_EXITING in the flags of /proc/PID/stat
  const std::string path = fmt::format("/proc/{}/stat", pid);
  const io::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1024> text{};
  const ssize_t size = file.is_open() ? read(file.get(), text.data(), text.size() - 1) : -1;
  if (size <= 0) {
    return true;
  }
  const char* name_end = std::strrchr(text.data(), ')');  // the name may hold anything
  char state = 0;
  unsigned long flags = 0;
  if (name_end == nullptr ||
      std::sscanf(name_end + 1, " %c %*d %*d %*d %*d %*d %lu", &state, &flags) != 2) {
    return false;
  }
  return state == 'Z' || state == 'X' || (flags & exiting_flag) != 0;
}

}  // namespace

bool listens_on(const Json& status, uint16_t port) {
  // "192.0.2.1:8998, [::]:8998"
  const std::string ending = fmt::format(":{}", port);
  const std::string addresses = text_member(status, "address");
  return addresses.ends_with(ending) || addresses.find(ending + ",") != std::string::npos;
}

std::vector<RunningProcess> list_processes(const RunDirectory& directory, int except_pid) {
  std::vector<RunningProcess> processes;
  for (const std::string& name : directory.live_sockets()) {
    if (pid_of_socket(name) == except_pid) {
      continue;
    }
    RunningProcess process{
        .pid = pid_of_socket(name), .socket_name = name, .status = Json::object(), .problem = {}};
    Result<Json> status = ask(directory, name, "GET", "/status");
    if (!status || !status->is_object()) {
      process.problem = status ? "its answer is not a status" : status.error().text;
      // It may have ended between the two looks.
      const Result<SocketOwner> owner = owner_of_socket(directory, name);
      if (owner ? has_ended(owner->pidfd.get(), end_wait_ms) || is_ending(owner->pid)
                : owner.error().code == ErrorCode::not_found) {
        continue;
      }
      if (owner) {
        process.status = status_of_silent(directory, owner->pid);
      }
    } else {
      process.status = std::move(*status);
    }
    processes.push_back(std::move(process));
  }
  return processes;
}

std::vector<RunningProcess> list_answering_processes(const RunDirectory& directory,
                                                     Duration wait_max) {
  std::vector<RunningProcess> processes;
  const auto deadline = std::chrono::steady_clock::now() + wait_max;
  for (const std::string& name : directory.live_sockets()) {
    const Duration left = deadline - std::chrono::steady_clock::now();
    if (left <= Duration::zero()) {
      break;
    }
    Result<Json> status = ask(directory, name, "GET", "/status", left);
    if (status && status->is_object()) {
      processes.push_back({.pid = pid_of_socket(name),
                           .socket_name = name,
                           .status = std::move(*status),
                           .problem = {}});
    }
  }
  return processes;
}

Status stop_process(const RunDirectory& directory, const RunningProcess& process,
                    Duration wait_max) {
  const auto still_there = [&process, wait_max] {
    return fail(ErrorCode::timeout,
                fmt::format("process {} is still there after {}: look at it, or end it with "
                            "`kill -9 {}`",
                            process.pid, format_duration(wait_max), process.pid));
  };
  const Result<SocketOwner> owner = owner_of_socket(directory, process.socket_name);
  // One that did not answer a moment ago is not asked again.
  const Result<Json> asked = process.problem.empty()
                                 ? ask(directory, process.socket_name, "POST", "/stop")
                                 : fail(ErrorCode::timeout, process.problem);
  const auto deadline = std::chrono::steady_clock::now() + wait_max;
  if (owner) {
    if (!asked && syscall(SYS_pidfd_send_signal, owner->pidfd.get(), SIGTERM, nullptr, 0) != 0 &&
        errno != ESRCH) {
      return fail_errno(errno, fmt::format("process {} cannot be stopped", owner->pid));
    }
    if (!asked && is_stopped(owner->pid)) {
      // So that it takes the signal.
      static_cast<void>(syscall(SYS_pidfd_send_signal, owner->pidfd.get(), SIGCONT, nullptr, 0));
    }
    const auto wait_ms = std::chrono::duration_cast<std::chrono::milliseconds>(wait_max).count();
    return has_ended(owner->pidfd.get(), static_cast<int>(wait_ms)) ? Status() : still_there();
  }
  if (owner.error().code == ErrorCode::not_found && !asked) {
    return {};  // gone before we could look
  }
  if (!asked) {
    return fail(asked.error());
  }
  // In another pid namespace: its socket is all there is to see.
  while (std::chrono::steady_clock::now() < deadline) {
    const std::vector<std::string> live = directory.live_sockets();
    if (std::find(live.begin(), live.end(), process.socket_name) == live.end()) {
      return {};
    }
    usleep(50'000);
  }
  return still_there();
}

}  // namespace murder::host
