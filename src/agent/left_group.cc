#include "agent/left_group.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <optional>
#include <string_view>

#include "engine/base/small_file.h"

namespace murder::agent {
namespace {

constexpr size_t stat_bytes_max = 4096;

// The field of /proc/PID/stat that says when it began, in ticks since the kernel did; field 22.
std::optional<std::string> began_at(int pid) {
  const Result<std::string> text =
      read_small_file(fmt::format("/proc/{}/stat", pid), stat_bytes_max);
  if (!text) {
    return std::nullopt;
  }
  // The name in parentheses may hold anything.
  const size_t end = text->rfind(')');
  if (end == std::string::npos) {
    return std::nullopt;
  }
  std::string_view rest = std::string_view(*text).substr(end + 1);
  constexpr int fields_between = 20;
  for (int field = 0; field < fields_between; ++field) {
    const size_t blank = rest.find(' ');
    if (blank == std::string_view::npos) {
      return std::nullopt;
    }
    rest.remove_prefix(blank + 1);
  }
  return std::string(rest.substr(0, rest.find(' ')));
}

}  // namespace

void note_group(const std::string& path, int pid) {
  if (const std::optional<std::string> began = began_at(pid)) {
    // What is lost in a power cut is of no process any more.
    (void)write_small_file(path, fmt::format("{} {}\n", pid, *began), /*sync_to_disk=*/false);
  }
}

void forget_group(const std::string& path) {
  unlink(path.c_str());
}

bool end_left_group(const std::string& path) {
  const Result<std::string> text = read_small_file(path, stat_bytes_max);
  forget_group(path);
  if (!text) {
    return false;
  }
  int pid = 0;
  const char* end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, pid);
  if (error != std::errc() || pid <= 1 || rest == end || *rest != ' ') {
    return false;
  }
  const std::string_view noted(rest + 1, static_cast<size_t>(end - rest - 1));
  const std::optional<std::string> began = began_at(pid);
  if (!began || noted != *began + "\n" || getpgid(pid) != pid) {
    return false;
  }
  return kill(-pid, SIGKILL) == 0;
}

}  // namespace murder::agent
