#include "engine/base/host_name.h"

#include <limits.h>
#include <unistd.h>

#include <array>

namespace murder {

std::string own_host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string place_for_others(const Endpoint& listening) {
  const std::string name = listening.address.is_unspecified() ? own_host_name() : "";
  return name.empty() ? listening.text() : HostPort{.host = name, .port = listening.port}.text();
}

}  // namespace murder
