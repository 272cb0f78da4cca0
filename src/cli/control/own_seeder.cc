#include "cli/control/own_seeder.h"

#include <fmt/format.h>
#include <poll.h>

#include <csignal>

#include "cli/control/bounds.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/units.h"

namespace murder::cli {
namespace {

constexpr const char* own_program = "/proc/self/exe";
constexpr size_t kept_bytes_max = 4000;  // of what it says
constexpr Duration stop_wait_max = std::chrono::seconds(5);

void keep_end(std::string& text, std::string_view part) {
  text += part;
  if (text.size() > kept_bytes_max) {
    text.erase(0, text.size() - kept_bytes_max);
  }
}

}  // namespace

Result<OwnSeeder> OwnSeeder::start(const OwnSeederOptions& options) {
  std::vector<std::string> words = {
      own_program,
      "seed",
      options.torrent_path,
      options.content_path,
      "--json",
      "--quiet",
      fmt::format("--end-when-idle={}s", limits::copy_silence_max / std::chrono::seconds(1))};
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) {
      words.push_back(fmt::format("{}={}", name, value));
    }
  };
  add("--ip", options.ip);
  add("--peer-port", options.ports);
  add("--fleet-key", options.is_open ? "" : options.fleet_key_path);
  if (options.is_open) {
    words.emplace_back("--open");
  }
  add("--transport", options.transport);
  add("--run-dir", options.run_directory);
  Result<host::ChildProcess> child = host::ChildProcess::start({.arguments = words});
  if (!child) {
    return fail(child.error().code, "the seeder cannot be started: " + child.error().text);
  }
  return OwnSeeder(std::move(*child));
}

void OwnSeeder::read() {
  child_.read_output([this](std::string_view part) { keep_end(output_, part); });
  child_.read_log([this](std::string_view part) { keep_end(log_, part); });
}

Result<bool> OwnSeeder::serves() {
  read();
  if (child_.reap()) {
    read();
    while (log_.ends_with('\n')) {
      log_.pop_back();
    }
    return fail(ErrorCode::network, fmt::format("the seeder of this machine has ended{}{}",
                                                log_.empty() ? "" : ": ", log_));
  }
  return output_.find('\n') != std::string::npos;
}

void OwnSeeder::stop() {
  child_.send_signal(SIGTERM);
  const Instant deadline = monotonic_now() + stop_wait_max;
  while (!child_.reap() && monotonic_now() < deadline) {
    pollfd item{.fd = child_.pid_fd(), .events = POLLIN, .revents = 0};
    constexpr int look_ms = 100;
    ::poll(&item, 1, look_ms);
    read();
  }
}

}  // namespace murder::cli
