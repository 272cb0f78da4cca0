#include "cli/fleet/own_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "engine/io/sockets.h"

namespace murder::fleet {
namespace {

constexpr size_t file_bytes_max = 256 * 1024;

// Files of /proc have no size.
std::string text_of_file(const std::string& path) {
  const io::Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> part{};
  while (fd.is_open() && text.size() < file_bytes_max) {
    const ssize_t size = read(fd.get(), part.data(), part.size());
    if (size <= 0) {
      break;
    }
    text.append(part.data(), static_cast<size_t>(size));
  }
  return text;
}

std::string first_word(std::string text) {
  text.resize(std::min(text.find_first_of(" \n"), text.size()));
  return text;
}

std::string pid_space() {
  std::array<char, 64> name{};
  const ssize_t size = readlink("/proc/self/ns/pid", name.data(), name.size());
  return size > 0 ? std::string(name.data(), static_cast<size_t>(size)) : "";
}

}  // namespace

uint64_t start_of_process(uint64_t pid) {
  const std::string text = text_of_file(fmt::format("/proc/{}/stat", pid));
  const size_t name_end = text.rfind(')');  // the name may hold anything
  unsigned long long started = 0;
  char state = 0;
  // Fields 3 to 22 of proc(5).
  if (name_end == std::string::npos ||
      std::sscanf(text.c_str() + name_end + 1,
                  " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
                  "%llu",
                  &state, &started) != 2 ||
      state == 'Z' || state == 'X') {
    return 0;
  }
  return started;
}

Origin own_origin() {
  const auto pid = static_cast<uint64_t>(getpid());
  return {.machine = first_word(text_of_file("/etc/machine-id")),
          .boot = first_word(text_of_file("/proc/sys/kernel/random/boot_id")),
          .pid_space = pid_space(),
          .pid = pid,
          .started = start_of_process(pid)};
}

std::vector<std::string> own_command_words() {
  const std::string text = text_of_file("/proc/self/cmdline");
  std::vector<std::string> words;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\0', start), text.size());
    words.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

}  // namespace murder::fleet
