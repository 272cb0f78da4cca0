// The murder processes of this host, seen from a command.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/json.h"
#include "engine/host/run_directory.h"

namespace murder::host {

struct RunningProcess {
  int pid = 0;
  std::string socket_name;
  Json status;  // as json_of(ProcessStatus); of one that did not answer, kind and tag at most
  std::string problem;  // why it did not; else empty

  [[nodiscard]] std::string kind() const { return text_member(status, "kind"); }
  [[nodiscard]] std::string tag() const { return text_member(status, "tag"); }
};

// Whether the process of this status listens on the port, on whatever address.
[[nodiscard]] bool listens_on(const Json& status, uint16_t port);

// Asks each in turn. Ordered by pid.
[[nodiscard]] std::vector<RunningProcess> list_processes(const RunDirectory& directory,
                                                         int except_pid = -1);

// Only those that answer, and as many as can be asked within the time.
[[nodiscard]] std::vector<RunningProcess> list_answering_processes(const RunDirectory& directory,
                                                                   Duration wait_max);

// Asks it to stop and waits until it is gone. One that does not take the request gets SIGTERM.
// Errors: it is still there after `wait_max`.
[[nodiscard]] Status stop_process(const RunDirectory& directory, const RunningProcess& process,
                                  Duration wait_max);

}  // namespace murder::host
