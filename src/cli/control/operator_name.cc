#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "cli/control/bounds.h"
#include "cli/control/coordinator_client.h"
#include "engine/base/host_name.h"
#include "engine/base/printable.h"
#include "engine/base/utf8.h"

namespace murder::cli {
namespace {

std::string user_name() {
  const char* invoked_by = std::getenv("SUDO_USER");
  if (::geteuid() == 0 && invoked_by != nullptr && *invoked_by != '\0') {
    return fmt::format("{} (sudo)", invoked_by);
  }
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr) {
    return entry.pw_name;
  }
  return fmt::format("uid {}", ::geteuid());
}

// Where an ssh session came from: "10.0.0.9"; empty outside of one.
std::string session_address() {
  const char* variable = std::getenv("SSH_CONNECTION");
  const std::string text = variable == nullptr ? "" : variable;
  return text.substr(0, text.find(' '));
}

}  // namespace

std::string operator_name() {
  std::string name = fmt::format("{}@{}", user_name(), own_host_name());
  if (const std::string address = session_address(); !address.empty()) {
    name += fmt::format(" from {}", address);
  }
  name = printable_value(name);
  if (name.size() > limits::operator_name_bytes_max) {
    name.resize(limits::operator_name_bytes_max);
    while (!is_utf8(name)) {
      name.pop_back();
    }
  }
  return name;
}

}  // namespace murder::cli
