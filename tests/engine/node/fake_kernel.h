// A kernel played by the test, under the real reactor: sockets whose other end is the test, files
// that are real but fail, wait or come in parts as it is told, and a clock that moves when nothing
// else does. It takes the place of liburing's functions when the program is linked, so what runs in
// production is unchanged.
//
// One at a time in a process, before the reactor is made and until it is gone. Operations complete
// when the reactor enters the ring, in the order they were started.
#pragma once

#include <liburing.h>

#include <cerrno>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/types.h"
#include "engine/io/reactor.h"
#include "fake_tls.h"

namespace murder::test {

// Our end of a connection.
struct FakeSocket {
  std::vector<uint8_t> incoming;  // not received yet
  size_t receive_max = SIZE_MAX;  // by one receive
  bool remote_closed = false;
  bool is_closed = false;          // by us
  std::deque<int> receive_errors;  // for the next receives
  std::vector<uint8_t> sent;
  size_t window_bytes = SIZE_MAX;  // that the socket still takes
  size_t send_max = SIZE_MAX;      // by one send: it completes short
  std::deque<int> send_errors;     // for the next sends
  std::optional<FakeTls> opens;    // what comes is records, and so on
  std::optional<FakeTls> seals;
  std::vector<uint8_t> opened;  // of the last record: what was not received yet
  uint8_t opened_type = 0;
};

// What happens to the next read or write of a file.
struct DiskFault {
  int error_number = 0;          // it fails with this
  size_t size_bytes = SIZE_MAX;  // it moves no more than that
};

class FakeKernel {
 public:
  FakeKernel();
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;
  ~FakeKernel();

  [[nodiscard]] std::unique_ptr<io::Reactor> make_reactor();

  [[nodiscard]] FakeSocket& socket(int fd) { return sockets_[fd]; }
  // A connection came in: the next accept of this listener completes with `fd`, or -errno.
  void accepts(int listener_fd, int fd);

  // --- what is told to it ---
  std::deque<DiskFault> reads;   // for the next ones
  std::deque<DiskFault> writes;  // the same
  bool disk_is_held = false;     // reads and writes do not complete
  int connect_result = 0;
  bool connects_are_held = false;
  enum class Cancel : uint8_t {
    at_once,  // completes with what was done, or ECANCELED
    never,    // comes too late: the operation goes on
  };
  Cancel cancels = Cancel::at_once;
  int tls_error = ENOENT;               // what it says when it is asked for TLS; 0: it has it
  bool notifications_are_held = false;  // of zero-copy sends

  // Nothing is held or refused any more, sockets take everything, and what waits for the other end
  // is cancelled.
  void release_everything();

  // --- what it has seen ---
  struct Dialed {
    int fd;
    sockaddr_storage address;
  };
  std::vector<Dialed> dialed;
  uint32_t tls_asked_count = 0;
  uint32_t cancel_count = 0;
  uint32_t read_count = 0;
  uint32_t write_count = 0;
  uint64_t ring_sent_bytes = 0;
  [[nodiscard]] uint32_t pending(uint8_t opcode) const;
  [[nodiscard]] uint32_t pending_of(uint8_t opcode, int fd) const;

  // --- for the functions that stand for liburing's ---
  void set_up(io_uring& ring, uint32_t entries);
  void tear_down(io_uring& ring);
  // Takes what was started, completes what can be; how many completions are ready.
  uint32_t enter(io_uring& ring);
  void wait(io_uring& ring, Duration at_most);
  [[nodiscard]] static FakeKernel& current();
  [[nodiscard]] static Instant clock();

 private:
  struct Ring;
  // What is used of a submission.
  struct Request {
    uint8_t opcode = 0;
    uint8_t flags = 0;
    int fd = -1;
    uint64_t off = 0;  // or addr2
    uint64_t addr = 0;
    uint32_t len = 0;
    uint64_t user_data = 0;
    uint32_t msg_flags = 0;
  };
  struct Pending {
    Request sqe;
    size_t done_bytes = 0;
    bool is_notification = false;
  };

  void start(const Request& sqe);
  // Whether it completed.
  bool try_complete(Pending& operation);
  bool try_receive(Pending& operation);
  bool try_receive_opened(Pending& operation, FakeSocket& socket);
  bool try_send(Pending& operation);
  bool try_send_sealed(Pending& operation, FakeSocket& socket);
  bool try_accept(Pending& operation);
  bool try_transfer(Pending& operation);
  void cancel(uint64_t user_data);
  void complete(const Pending& operation, int32_t result, uint32_t flags = 0);

  std::unique_ptr<Ring> ring_;
  Instant now_{std::chrono::hours(1)};
  std::deque<Pending> pending_;
  std::map<int, FakeSocket> sockets_;
  std::map<int, std::deque<int>> accepted_;
};

}  // namespace murder::test
