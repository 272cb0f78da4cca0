#include "engine/host/helped_delivery.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "engine/base/thread_start.h"

namespace murder::host {

HelpedDelivery::HelpedDelivery(RootHelper& helper, std::string archive_path, std::string phase,
                               DeliveryEnd end)
    : helper_(helper),
      archive_path_(std::move(archive_path)),
      phase_(std::move(phase)),
      changed_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      result_(fail(ErrorCode::interrupted, "not delivered")) {
  const Status started = !changed_.is_open() ? Status(fail_errno(errno, "no event can be made"))
                                             : start_thread(thread_, [this, end] {
                                                 run();
                                                 end();
                                               });
  if (!started) {
    result_ = fail(started.error());
    end();
  }
}

HelpedDelivery::~HelpedDelivery() {
  cancel();
  join();
}

void HelpedDelivery::advance(uint64_t bytes) {
  if (bytes != front_bytes_.load(std::memory_order_relaxed)) {
    front_bytes_.store(bytes, std::memory_order_release);
    wake();
  }
}

void HelpedDelivery::cancel() {
  is_cancelled_ = true;
  wake();
}

void HelpedDelivery::wake() {
  const uint64_t one = 1;
  static_cast<void>(!write(changed_.get(), &one, sizeof(one)));
}

void HelpedDelivery::join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

Progress HelpedDelivery::progress() const {
  return {.phase = phase_,
          .done_bytes = bytes_done_.load(std::memory_order_relaxed),
          .total_bytes = bytes_total_.load(std::memory_order_relaxed)};
}

void HelpedDelivery::run() {
  Status going = start();
  if (!going) {
    result_ = fail(going.error());
    return;
  }
  bool is_last = false;
  while (going && !is_last) {
    pollfd sources[] = {{.fd = helper_.link().fd(), .events = POLLIN, .revents = 0},
                        {.fd = changed_.get(), .events = POLLIN, .revents = 0}};
    poll(sources, 2, -1);
    if (sources[1].revents != 0) {
      going = tell_changes();
    }
    if (going && sources[0].revents != 0) {
      const Result<HelperLink::Received> received = helper_.link().receive();
      const Result<bool> taken =
          received ? take(received->message) : Result<bool>(fail(received.error()));
      going = taken ? Status() : Status(fail(taken.error()));
      is_last = taken && *taken;
    }
  }
  if (!going) {
    result_ = fail(ErrorCode::io,
                   "the process that places files (with root's rights) was killed before the "
                   "release was in its place");
  }
}

Status HelpedDelivery::start() {
  // As the peer's user: what he may not read is not unpacked for him.
  const io::Fd archive(::open(archive_path_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!archive.is_open()) {
    return fail_errno(errno, "cannot open " + archive_path_);
  }
  if (!helper_.link().send({{"kind", "start"}}, archive.get())) {
    return fail(ErrorCode::io, "the process that places files was killed");
  }
  return {};
}

Status HelpedDelivery::tell_changes() {
  uint64_t count = 0;
  static_cast<void>(!read(changed_.get(), &count, sizeof(count)));
  const uint64_t bytes = front_bytes_.load(std::memory_order_acquire);
  if (bytes != told_bytes_) {
    told_bytes_ = bytes;
    if (Status sent = helper_.link().send({{"kind", "front"}, {"bytes", bytes}}); !sent) {
      return sent;
    }
  }
  if (is_cancelled_ && !told_cancel_) {
    told_cancel_ = true;
    return helper_.link().send({{"kind", "cancel"}});
  }
  return {};
}

Result<bool> HelpedDelivery::take(const Json& message) {
  if (text_member(message, "kind") == "progress") {
    bytes_done_ = count_member(message, "done");
    bytes_total_ = count_member(message, "total");
    return false;
  }
  for (const Json& warning : message["warnings"]) {
    warnings_.push_back(warning.text());
  }
  if (message.contains("record_error")) {
    recorded_ = fail(failure_of_json(message["record_error"]));
  }
  if (message.contains("error")) {
    result_ = fail(failure_of_json(message["error"]));
    found_other_content_ = message["other_content"] == true;
  } else {
    result_ = text_member(message, "path");
  }
  return true;
}

}  // namespace murder::host
