#include "engine/io/reactor.h"

#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "engine/base/monotonic_clock.h"
#include "engine/io/internal_data.h"
#include "engine/io/ring_setup.h"

namespace murder::io {
namespace {

constexpr Duration drain_timeout = std::chrono::seconds(5);
// A cancelled operation that has not completed by then is cancelled once more.
constexpr Duration cancel_interval = std::chrono::milliseconds(50);
constexpr Duration wait_forever = std::chrono::hours(24);

// What an enter may answer without anything being wrong: nothing came in time, a signal, or the
// completion queue has to be emptied first.
bool is_passing(int result) {
  return result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
         result == -EBUSY;
}

void ensure_passing(int result) {
  if (!is_passing(result)) {
    std::fprintf(stderr, "murder: io_uring_enter: %s\n", std::strerror(-result));
    ENSURE(is_passing(result));
  }
}

}  // namespace

void Reactor::RingDeleter::operator()(io_uring* ring) const {
  io_uring_queue_exit(ring);
  delete ring;
}

Result<std::unique_ptr<Reactor>> Reactor::create(const ReactorOptions& options) {
  auto raw = std::make_unique<io_uring>();
  // The kernel keeps completions that do not fit, at a price: room for the usual burst.
  Result<KernelFeatures> features =
      set_up_ring(*raw, options.ring_entries, 4 * options.ring_entries);
  if (!features) {
    return fail(features.error());
  }
  std::unique_ptr<io_uring, RingDeleter> ring(raw.release());
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    return fail_errno(errno, "cannot make an eventfd for the event loop");
  }
  return std::unique_ptr<Reactor>(new Reactor(std::move(ring), wake_fd, *features, options));
}

Reactor::Reactor(std::unique_ptr<io_uring, RingDeleter> ring, int wake_fd,
                 const KernelFeatures& features, const ReactorOptions& options)
    : ring_(std::move(ring)),
      features_(features),
      operations_(options.operations_max),
      timers_(options.timers_expected),
      clock_(options.clock != nullptr ? options.clock : &monotonic_now),
      wake_fd_(wake_fd) {
  read_clock();
  poll_wake_fd();
}

Reactor::~Reactor() {
  ENSURE(!in_turn_);
  ENSURE(notifiers_.empty());
  drain();
  if (is_own_thread()) {
    submit();
  }
  ring_.reset();
  close(wake_fd_);
}

void Reactor::read_clock() {
  now_ = clock_();
}

void Reactor::enable() {
  if (!enabled_) {
    if ((ring_->flags & IORING_SETUP_R_DISABLED) != 0) {
      // The shared liburing 2.3 of Debian 12 does not export io_uring_enable_rings().
      ENSURE(syscall(__NR_io_uring_register, ring_->ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr,
                     0) == 0);
    }
    enabled_ = true;
    thread_id_ = gettid();
  }
}

io_uring_sqe* Reactor::next_sqe() {
  io_uring_sqe* sqe = io_uring_get_sqe(ring_.get());
  if (sqe == nullptr) {
    submit_queued();
    sqe = io_uring_get_sqe(ring_.get());
    ENSURE(sqe != nullptr);
  }
  return sqe;
}

void Reactor::submit_queued() {
  enable();
  // EAGAIN: the kernel is short of memory; EBUSY: completions that did not fit wait to be moved.
  constexpr uint32_t attempts_max = 10000;
  for (uint32_t attempt = 0; attempt < attempts_max; ++attempt) {
    ++counters_.enters;
    const int result = io_uring_submit(ring_.get());
    ensure_passing(result);
    if (io_uring_sq_ready(ring_.get()) == 0) {
      return;
    }
    io_uring_get_events(ring_.get());
  }
  ENSURE(false && "the kernel takes no submission");
}

void Reactor::submit() {
  if (io_uring_sq_ready(ring_.get()) > 0) {
    submit_queued();
  }
}

bool Reactor::is_own_thread() const {
  return !enabled_ || thread_id_ == gettid();
}

void Reactor::start(io_uring_sqe* sqe, Operation& operation, OperationKind kind) {
  io_uring_sqe_set_data64(sqe, operations_.enter(operation, kind));
  ++counters_.submissions;
}

void Reactor::start_internal(io_uring_sqe* sqe, uint64_t user_data, bool needs_completion) {
  io_uring_sqe_set_data64(sqe, user_data);
  if (!needs_completion && features_.cqe_skip) {
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  }
  ++counters_.submissions;
}

void Reactor::run() {
  while (!stopping_) {
    run_turn(wait_forever);
  }
  submit();
  stopping_ = false;
}

bool Reactor::run_turn(Duration wait_max) {
  ENSURE(!in_turn_);
  in_turn_ = true;
  enable();
  const Duration wait = wait_time(wait_max);
  skip_wait_ = false;
  enter(wait);
  read_clock();
  uint32_t events = dispatch();
  events += timers_.fire(now_);
  events += notifiers_.call_pending();
  hooks_.run();
  ++counters_.turns;
  in_turn_ = false;
  return events > 0;
}

Duration Reactor::wait_time(Duration wait_max) const {
  if (skip_wait_ || stopping_ || notifiers_.any_pending() || io_uring_cq_ready(ring_.get()) > 0) {
    return Duration::zero();
  }
  Duration wait = std::clamp(wait_max, Duration::zero(), wait_forever);
  if (timers_.next() != instant_never) {
    // The handlers of the last turn took time: now_ is not good enough here.
    wait = std::clamp(timers_.next() - clock_(), Duration::zero(), wait);
  }
  return wait;
}

void Reactor::enter(Duration wait) {
  ++counters_.enters;
  if (wait <= Duration::zero()) {
    ensure_passing(io_uring_submit_and_get_events(ring_.get()));
    return;
  }
  __kernel_timespec timeout{};
  timeout.tv_sec = wait.count() / 1'000'000'000;
  timeout.tv_nsec = wait.count() % 1'000'000'000;
  io_uring_cqe* first = nullptr;
  ensure_passing(io_uring_submit_and_wait_timeout(ring_.get(), &first, 1, &timeout, nullptr));
}

uint32_t Reactor::dispatch() {
  // Completions that arrive while handlers run belong to the next turn: timers get their share.
  const uint32_t ready = io_uring_cq_ready(ring_.get());
  uint32_t handed_out = 0;
  for (uint32_t index = 0; index < ready; ++index) {
    io_uring_cqe* cqe = nullptr;
    if (io_uring_peek_cqe(ring_.get(), &cqe) != 0 || cqe == nullptr) {
      break;
    }
    const uint64_t user_data = cqe->user_data;
    const int32_t result = cqe->res;
    const uint32_t flags = cqe->flags;
    io_uring_cqe_seen(ring_.get(), cqe);
    ++counters_.completions;
    if (is_internal(user_data)) {
      internal_done(user_data);
    } else if (operations_.complete(user_data, result, flags)) {
      ++handed_out;
    } else {
      ++counters_.late_completions;
    }
  }
  return handed_out;
}

void Reactor::internal_done(uint64_t user_data) {
  if (user_data == internal_wake_fd) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t size = ::read(wake_fd_, &count, sizeof count);
    poll_wake_fd();
  }
  // The others need no answer: a cancelled operation completes itself, a close cannot be repeated,
  // a message of another shard only ends the wait.
}

void Reactor::poll_wake_fd() {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_poll_add(sqe, wake_fd_, POLLIN);
  start_internal(sqe, internal_wake_fd, true);
}

void Reactor::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = ::write(wake_fd_, &one, sizeof one);
}

void Reactor::wake_other(Reactor& other) {
  if (!features_.message_ring) {
    other.wake();
    return;
  }
  // It fails when the other ring is not enabled yet, or its completion queue is full: then its next
  // turn looks at its notifiers anyway.
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_msg_ring(sqe, other.ring_->ring_fd, 0, internal_message, 0);
  start_internal(sqe, internal_ignored, false);
}

void Reactor::cancel_and_wait(Operation& operation) {
  while (operation.in_flight()) {
    cancel(operation);
    run_turn(cancel_interval);
  }
  submit();
}

void Reactor::drain() {
  if (operations_.in_flight() == 0) {
    return;
  }
  ENSURE(is_own_thread());
  const auto idle = [this] { return operations_.in_flight() == 0; };
  read_clock();
  const Instant end = now_ + drain_timeout;
  while (!idle() && now_ < end) {
    io_uring_sqe* sqe = next_sqe();
    io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    start_internal(sqe, internal_ignored, false);
    run_until(idle, cancel_interval);
  }
}

}  // namespace murder::io
