#include "cli/fleet/reach/live_input.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace murder::fleet {

Result<LiveInput> LiveInput::make() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    return fail_errno(errno, "a pipe cannot be made");
  }
  LiveInput made;
  made.reading_ = io::Fd(fds[0]);
  made.writing_ = io::Fd(fds[1]);
  if (fcntl(made.writing_.get(), F_SETFL, O_NONBLOCK) != 0) {
    return fail_errno(errno, "a pipe cannot be made");
  }
  return made;
}

void LiveInput::write(std::string_view text) {
  if (writing_.is_open() && !is_ending_) {
    unsent_ += text;
    send();
  }
}

void LiveInput::end() {
  is_ending_ = true;
  send();
}

void LiveInput::send() {
  while (writing_.is_open() && sent_bytes_ < unsent_.size()) {
    const ssize_t count =
        ::write(writing_.get(), unsent_.data() + sent_bytes_, unsent_.size() - sent_bytes_);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 && errno == EAGAIN) {
      return;
    }
    if (count <= 0) {
      writing_.reset();  // nobody reads it any more
      break;
    }
    sent_bytes_ += static_cast<size_t>(count);
  }
  unsent_.clear();
  sent_bytes_ = 0;
  if (is_ending_) {
    writing_.reset();
  }
}

int LiveInput::wait_fd() const {
  return unsent_.empty() ? -1 : writing_.get();
}

}  // namespace murder::fleet
