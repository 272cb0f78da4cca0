#include "engine/host/root_helper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace murder::host {

Result<std::unique_ptr<RootHelper>> RootHelper::start(const RootHelperOptions& options) {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail_errno(errno, "a socket pair cannot be made");
  }
  io::Fd own(ends[0]);
  io::Fd other(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) {
    return fail_errno(errno, "the process that places files cannot be started");
  }
  if (pid == 0) {
    own.reset();
    run_helper(std::move(other), options);
  }
  return std::unique_ptr<RootHelper>(new RootHelper(HelperLink(std::move(own)), pid));
}

RootHelper::~RootHelper() {
  link_.close();
  int state = 0;
  while (waitpid(pid_, &state, 0) < 0 && errno == EINTR) {
  }
}

Result<Json> RootHelper::ask(const Json& request) {
  if (Status sent = link_.send(request); !sent) {
    return fail(ErrorCode::conflict, "the process that places files was killed");
  }
  Result<HelperLink::Received> received = link_.receive();
  if (!received) {
    return fail(ErrorCode::conflict, "the process that places files was killed");
  }
  return std::move(received->message);
}

Status RootHelper::write_outcome(const Json& outcome) {
  const Result<Json> answer = ask({{"kind", "outcome"}, {"outcome", outcome}});
  if (!answer) {
    return fail(answer.error());
  }
  return answer->contains("error") ? Status(fail(failure_of_json((*answer)["error"]))) : Status();
}

bool RootHelper::is_outcome_gone() {
  const Result<Json> answer = ask({{"kind", "is_outcome_gone"}});
  return answer && (*answer)["is"] == true;
}

void RootHelper::forget_placing() {
  static_cast<void>(ask({{"kind", "forget_placing"}}));
}

void RootHelper::tell_good_end() {
  static_cast<void>(ask({{"kind", "end"}}));
}

}  // namespace murder::host
