#include "cli/commands/agent/agent_stdio.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "cli/ui/standard_output.h"
#include "engine/base/endpoint.h"
#include "engine/control/frame.h"
#include "engine/io/sockets.h"

namespace murder::cli {

Result<std::string> read_frame_of_input(uint64_t bytes_max) {
  std::string head(control::frame_head_bytes, '\0');
  std::string text;
  for (std::string* part : {&head, &text}) {
    for (size_t done = 0; done < part->size();) {
      const ssize_t size = read(STDIN_FILENO, part->data() + done, part->size() - done);
      if (size < 0 && errno == EINTR) {
        continue;
      }
      if (size <= 0) {
        return fail(ErrorCode::invalid_input,
                    "standard input: with --stdio the configuration comes first, as a frame");
      }
      done += static_cast<size_t>(size);
    }
    if (part == &head) {
      uint64_t length = 0;
      for (const char byte : head) {
        length = length << 8U | static_cast<uint8_t>(byte);
      }
      if (length == 0 || length > bytes_max) {
        return fail(ErrorCode::invalid_input,
                    "standard input: the configuration's frame has a length out of bounds");
      }
      text.resize(length);
    }
  }
  return text;
}

Result<agent::StdioEnds> take_standard_streams(agent::AgentOptions& options) {
  Result<io::Fd> listening = io::listen_tcp({.address = *IpAddress::parse("127.0.0.1")}, {});
  if (!listening) {
    return fail(listening.error());
  }
  const std::optional<Endpoint> place = io::local_endpoint(listening->get());
  agent::StdioEnds ends{.input = io::Fd(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)),
                        .output = io::Fd(take_standard_output()),
                        .listening = std::move(*listening)};
  if (!place || !ends.input.is_open() || !ends.output.is_open()) {
    return fail_errno(errno, "standard input and output cannot be used");
  }
  options.coordinators = {{{.host = place->address.text(), .port = place->port}}};
  return ends;
}

}  // namespace murder::cli
