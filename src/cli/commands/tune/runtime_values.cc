#include "cli/commands/tune/runtime_values.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "cli/commands/tune/ethtool.h"
#include "cli/commands/tune/read_facts.h"
#include "cli/commands/tune/values.h"
#include "engine/base/small_file.h"

namespace murder::cli::tune {
namespace {

constexpr std::string_view huge_pages_path = "/sys/kernel/mm/transparent_hugepage/";

// Runs a program of the system, without input and output. Its exit status; -1: it is not there.
int run_program(std::vector<std::string> words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  std::array<char*, 3> environment = {const_cast<char*>("PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
                                      const_cast<char*>("LC_ALL=C"), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int fd = 0; fd < 3; ++fd) {
    posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  }
  pid_t pid = -1;
  int failed = ENOENT;
  for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
    const std::string path = folder + words.front();
    failed =
        posix_spawn(&pid, path.c_str(), &actions, nullptr, arguments.data(), environment.data());
    if (failed == 0) {
      break;
    }
  }
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return -1;
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

// One write for the whole value, as the kernel wants it.
Status write_line(const std::string& path, const std::string& value) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    return fail_errno(errno, "cannot write " + path);
  }
  const std::string line = value + "\n";
  Status written = write_whole(fd, line, path);
  // Of a file that stands in for one of the kernel's the rest goes; the kernel's have no length.
  if (written && ::ftruncate(fd, static_cast<off_t>(line.size())) != 0) {
    errno = 0;
  }
  ::close(fd);
  return written;
}

Result<std::string> line_of(const std::string& path) {
  const std::optional<std::string> line = read_line(path);
  return line ? Result<std::string>(one_space_between(*line))
              : fail(ErrorCode::not_found, "cannot read " + path);
}

Status set_module(const std::string& name, bool is_wanted) {
  if (is_wanted) {
    const int status = run_program({"modprobe", name});
    return status == 0
               ? Status()
               : Status(fail(ErrorCode::unsupported,
                             fmt::format("modprobe {} failed (exit status {})", name, status)));
  }
  if (::syscall(SYS_delete_module, name.c_str(), O_NONBLOCK) == 0 || errno == ENOENT) {
    return {};
  }
  return errno == EWOULDBLOCK || errno == EBUSY
             ? Status(fail(
                   ErrorCode::conflict,
                   fmt::format("module {} is in use: it stays loaded until the next boot", name)))
             : fail_errno(errno, "cannot unload module " + name);
}

Result<std::string> interrupt_path(const std::string& root, const std::string& action) {
  const std::optional<std::string> number = interrupt_number(root, action);
  if (!number) {
    return fail(ErrorCode::not_found, "there is no interrupt " + action);
  }
  return below(root, "/proc/irq/") + *number + "/smp_affinity_list";
}

Result<uint32_t> count_of(const std::string& value) {
  const std::vector<uint64_t> numbers = numbers_in(value);
  return numbers.size() == 1 && numbers[0] <= UINT32_MAX
             ? Result<uint32_t>(static_cast<uint32_t>(numbers[0]))
             : fail(ErrorCode::invalid_input, value + " is not a count");
}

}  // namespace

bool has_runtime_value(const std::string& root, Place place) {
  switch (place) {
    case Place::unit:
      return false;
    case Place::module:
    case Place::receive_ring:
    case Place::channels:
      return root == "/";
    case Place::sysctl:
      return root == "/" || ::access(below(root, "/proc/sys").c_str(), F_OK) == 0;
    case Place::huge_pages:
    case Place::interrupt:
      return true;
  }
  return false;
}

Result<std::string> read_value(const std::string& root, Place place, const std::string& key) {
  switch (place) {
    case Place::sysctl:
      return line_of(below(root, sysctl_path(key)));
    case Place::huge_pages: {
      Result<std::string> line = line_of(below(root, std::string(huge_pages_path) + key));
      const std::string word = line ? marked_word(*line) : "";
      return word.empty() ? line : word;
    }
    case Place::module:
      return std::string(::access(("/sys/module/" + key).c_str(), F_OK) == 0 ? module_loaded
                                                                             : module_absent);
    case Place::receive_ring: {
      const std::optional<RingFacts> ring = read_ring(key);
      return ring ? Result<std::string>(fmt::format("{}", ring->receive))
                  : fail(ErrorCode::not_found, "the receive ring of " + key + " cannot be read");
    }
    case Place::channels: {
      const std::optional<ChannelFacts> channels = read_channels(key);
      return channels ? Result<std::string>(fmt::format("{}", channels->combined))
                      : fail(ErrorCode::not_found, "the queues of " + key + " cannot be read");
    }
    case Place::interrupt: {
      const Result<std::string> path = interrupt_path(root, key);
      return path ? line_of(*path) : fail(path.error());
    }
    case Place::unit:
      break;
  }
  return fail(ErrorCode::unsupported, key + " has no value in the running kernel");
}

Status write_value(const std::string& root, Place place, const std::string& key,
                   const std::string& value) {
  switch (place) {
    case Place::sysctl:
      return write_line(below(root, sysctl_path(key)), value);
    case Place::huge_pages:
      return write_line(below(root, std::string(huge_pages_path) + key), value);
    case Place::module:
      return set_module(key, value == module_loaded);
    case Place::receive_ring: {
      const Result<uint32_t> count = count_of(value);
      return count ? set_receive_ring(key, *count) : Status(fail(count.error()));
    }
    case Place::channels: {
      const Result<uint32_t> count = count_of(value);
      return count ? set_combined_channels(key, *count) : Status(fail(count.error()));
    }
    case Place::interrupt: {
      const Result<std::string> path = interrupt_path(root, key);
      return path ? write_line(*path, value) : Status(fail(path.error()));
    }
    case Place::unit:
      break;
  }
  return fail(ErrorCode::unsupported, key + " has no value in the running kernel");
}

Status reload_units(const std::string& root) {
  if (root != "/" || ::access("/run/systemd/system", F_OK) != 0) {
    return {};
  }
  const int status = run_program({"systemctl", "daemon-reload"});
  return status == 0 ? Status()
                     : Status(fail(ErrorCode::io, fmt::format("systemctl daemon-reload failed "
                                                              "(exit status {})",
                                                              status)));
}

}  // namespace murder::cli::tune
