// The event loop: one thread, one io_uring, nothing shared.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/io/kernel_features.h"
#include "engine/io/notifier_list.h"
#include "engine/io/operation.h"
#include "engine/io/operation_table.h"
#include "engine/io/timers.h"
#include "engine/io/turn_hook.h"

struct io_uring;
struct io_uring_sqe;
struct iovec;
struct open_how;

namespace murder::io {

class BufferRing;
class Notifier;

struct ReactorOptions {
  uint32_t ring_entries = 1024;  // submissions between two enters; more only enter sooner
  // Operations in flight at once. Reaching it is a mistake of the caller, who knows his bounds: two
  // or three per connection, and those of files.
  uint32_t operations_max = 16 * 1024;
  uint32_t timers_expected = 1024;
  Instant (*clock)() = nullptr;  // another one than CLOCK_MONOTONIC, for tests
};

struct ReactorCounters {
  uint64_t turns = 0;
  uint64_t submissions = 0;  // sqes
  uint64_t enters = 0;       // system calls
  uint64_t completions = 0;
  uint64_t late_completions = 0;  // for an operation that was no longer in flight: dropped
};

// Belongs to the thread that first runs it; created and wired before on any one thread.
//
// A turn: enter the kernel once (submit what was started, wait for a completion, a timer or a
// notification), read the clock, hand out completions, fire timers, call notifiers, run hooks.
// All start functions take an operation that is not in flight; they do not fail: what goes wrong
// comes as the completion's result. Memory they are given (buffers, addresses, message headers)
// stays valid until the operation completes. Sockets are blocking ones (no O_NONBLOCK), since the
// ring answers EAGAIN on others instead of waiting.
//
// Ends, on the thread that ran it: stop(), then owners cancel and wait for what they have in
// flight, then the destructor, which cancels what is left (operations of orphans that free
// themselves) and waits for it.
class Reactor {
 public:
  // Errors: io_uring is switched off or too old here (unsupported, permission), locked memory or
  // descriptors ran out (limit).
  [[nodiscard]] static Result<std::unique_ptr<Reactor>> create(const ReactorOptions& options);
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  // CLOCK_MONOTONIC, or the clock that was given; read once per turn.
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] Timers& timers() { return timers_; }
  [[nodiscard]] const KernelFeatures& features() const { return features_; }
  [[nodiscard]] const ReactorCounters& counters() const { return counters_; }
  [[nodiscard]] uint32_t operations_in_flight() const { return operations_.in_flight(); }
  [[nodiscard]] uint32_t operations_free() const {
    return operations_.capacity() - operations_.in_flight();
  }

  // Turns until stop(). A stop() that came before is not lost.
  void run();
  // From this thread; another thread uses a Notifier whose handler calls it.
  void stop() { stopping_ = true; }
  [[nodiscard]] bool stopping() const { return stopping_; }
  // One turn that waits no longer than wait_max. True when anything was handed out or fired. Not to
  // be called from a handler.
  bool run_turn(Duration wait_max);
  // Turns until `done()` is true, or false after `at_most`; for owners that must finish what they
  // have in flight.
  template <typename Done>
  bool run_until(Done&& done, Duration at_most) {
    read_clock();
    const Instant end = now_ + at_most;
    bool is_done = done();
    while (!is_done && now_ < end) {
      run_turn(end - now_);
      is_done = done();
    }
    submit();
    return is_done;
  }
  // The same however long it takes: for owners whose operations are cancelled, and whose memory
  // must not go before the kernel is done with it.
  template <typename Done>
  void run_until(Done&& done) {
    while (!done()) {
      run_turn(std::chrono::seconds(1));
    }
    submit();
  }
  // Cancels the operation and turns until it has completed. Its handler must not start it again.
  void cancel_and_wait(Operation& operation);
  // Submits what was started (and the closes) without waiting for a turn. run() and run_until() do
  // so at their end.
  void submit();

  // A multishot accept completes with one descriptor each and cqe_more until it ends. Accepted
  // descriptors are close-on-exec. `address` may be nullptr.
  void accept_multishot(Operation& operation, int fd);
  void accept(Operation& operation, int fd, sockaddr_storage* address, socklen_t* address_bytes);
  void connect(Operation& operation, int fd, const sockaddr_storage* address,
               socklen_t address_bytes);

  void recv(Operation& operation, int fd, std::span<uint8_t> into, int flags = 0);
  void recvmsg(Operation& operation, int fd, msghdr* message, int flags = 0);
  // The same when the socket says that it is readable: without a try before, which would take less
  // than set_receive_low_mark() asks for (IORING_RECVSEND_POLL_FIRST, Linux 5.19).
  void recvmsg_when_readable(Operation& operation, int fd, msghdr* message);
  // Receives into a buffer the kernel takes from the ring when bytes are there; the completion says
  // which (BufferRing::taken()). -ENOBUFS when none was free.
  void recv_select(Operation& operation, int fd, const BufferRing& buffers);
  // MSG_NOSIGNAL is added. With MSG_WAITALL the kernel goes on after a short send.
  void send(Operation& operation, int fd, std::span<const uint8_t> bytes, int flags = 0);
  void sendmsg(Operation& operation, int fd, const msghdr* message, int flags = 0);
  // Two completions: the result with cqe_more, then cqe_notification when the pages are free.
  void sendmsg_zero_copy(Operation& operation, int fd, const msghdr* message, int flags = 0);

  void read(Operation& operation, int fd, std::span<uint8_t> into, uint64_t offset);
  void write(Operation& operation, int fd, std::span<const uint8_t> bytes, uint64_t offset);
  // Completes with a descriptor. `path` and `how` stay valid until then.
  void open(Operation& operation, int directory_fd, const char* path, open_how* how);
  // Once; completes with the events that are there (POLLIN ...).
  void poll(Operation& operation, int fd, uint32_t poll_mask);

  // Asks the kernel to end an operation. If it is in flight it still completes, with -ECANCELED or
  // with what it had done; else nothing happens.
  void cancel(Operation& operation);
  // Closes in the background, after what was started before on this reactor.
  void close_fd(int fd);

  void add_turn_hook(TurnHook& hook) { hooks_.add(hook); }
  // The next turn does not wait.
  void skip_wait() { skip_wait_ = true; }
  // From any thread: the turn in progress, or the next, ends its wait.
  void wake();

 private:
  friend class BufferRing;
  friend class Notifier;
  struct RingDeleter {
    void operator()(io_uring* ring) const;
  };

  Reactor(std::unique_ptr<io_uring, RingDeleter> ring, int wake_fd, const KernelFeatures& features,
          const ReactorOptions& options);

  void read_clock();
  [[nodiscard]] bool is_own_thread() const;
  void enable();
  // A cleared entry of the submission queue; submits what is queued when there is none left.
  io_uring_sqe* next_sqe();
  void submit_queued();
  // Puts a prepared entry under way.
  void start(io_uring_sqe* sqe, Operation& operation, OperationKind kind);
  void start_internal(io_uring_sqe* sqe, uint64_t user_data, bool needs_completion);
  void poll_wake_fd();
  void wake_other(Reactor& other);
  Duration wait_time(Duration wait_max) const;
  void enter(Duration wait);
  uint32_t dispatch();
  void internal_done(uint64_t user_data);
  void drain();

  std::unique_ptr<io_uring, RingDeleter> ring_;
  KernelFeatures features_;
  OperationTable operations_;
  Timers timers_;
  TurnHookList hooks_;
  NotifierList notifiers_;
  ReactorCounters counters_;
  Instant (*clock_)();
  Instant now_{};
  int wake_fd_;           // eventfd
  int thread_id_ = 0;     // of the thread that the ring is bound to, from the first enter on
  bool enabled_ = false;  // set by the first enter
  bool stopping_ = false;
  bool in_turn_ = false;
  bool skip_wait_ = false;
};

}  // namespace murder::io
