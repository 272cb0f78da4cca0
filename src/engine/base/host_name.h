// This machine's name, as the kernel has it.
#pragma once

#include <string>

#include "engine/base/endpoint.h"

namespace murder {

// Empty: it has none that can be told.
[[nodiscard]] std::string own_host_name();

// Where others reach a listening address: of "all addresses of this host" by its name.
[[nodiscard]] std::string place_for_others(const Endpoint& listening);

}  // namespace murder
