#include "fake_kernel.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "engine/base/ensure.h"
#include "fake_segments.h"

namespace murder::test {
namespace {

FakeKernel* the_kernel = nullptr;

DiskFault take_fault(std::deque<DiskFault>& faults) {
  if (faults.empty()) {
    return {};
  }
  const DiskFault fault = faults.front();
  faults.pop_front();
  return fault;
}

int take_error(std::deque<int>& errors) {
  if (errors.empty()) {
    return 0;
  }
  const int error_number = errors.front();
  errors.pop_front();
  return error_number;
}

}  // namespace

// The memory that a ring shares with the kernel.
struct FakeKernel::Ring {
  explicit Ring(uint32_t entries) : sqes(entries), cqes(8 * size_t{entries}) {}

  std::vector<io_uring_sqe> sqes;
  std::vector<io_uring_cqe> cqes;
  unsigned sq_head = 0;
  unsigned sq_tail = 0;
  unsigned sq_flags = 0;
  unsigned cq_head = 0;
  unsigned cq_tail = 0;
};

FakeKernel::FakeKernel() {
  ENSURE(the_kernel == nullptr);
  the_kernel = this;
}

FakeKernel::~FakeKernel() {
  ENSURE(ring_ == nullptr);
  the_kernel = nullptr;
}

FakeKernel& FakeKernel::current() {
  ENSURE(the_kernel != nullptr);
  return *the_kernel;
}

Instant FakeKernel::clock() {
  return current().now_;
}

std::unique_ptr<io::Reactor> FakeKernel::make_reactor() {
  auto reactor = io::Reactor::create({.clock = &FakeKernel::clock});
  ENSURE(reactor.has_value());
  return std::move(*reactor);
}

void FakeKernel::accepts(int listener_fd, int fd) {
  if (fd >= 0) {
    sockets_[fd] = {};
  }
  accepted_[listener_fd].push_back(fd);
}

void FakeKernel::set_up(io_uring& ring, uint32_t entries) {
  ENSURE(ring_ == nullptr);
  ring_ = std::make_unique<Ring>(entries);
  ring = {};
  ring.ring_fd = -1;
  ring.features = IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP;
  ring.sq.khead = &ring_->sq_head;
  ring.sq.ktail = &ring_->sq_tail;
  ring.sq.kflags = &ring_->sq_flags;
  ring.sq.sqes = ring_->sqes.data();
  ring.sq.ring_entries = entries;
  ring.sq.ring_mask = entries - 1;
  ring.cq.khead = &ring_->cq_head;
  ring.cq.ktail = &ring_->cq_tail;
  ring.cq.cqes = ring_->cqes.data();
  ring.cq.ring_entries = static_cast<unsigned>(ring_->cqes.size());
  ring.cq.ring_mask = ring.cq.ring_entries - 1;
}

void FakeKernel::tear_down(io_uring&) {
  ring_.reset();
}

uint32_t FakeKernel::enter(io_uring& ring) {
  while (ring.sq.sqe_head != ring.sq.sqe_tail) {
    const io_uring_sqe& sqe = ring_->sqes[ring.sq.sqe_head++ & ring.sq.ring_mask];
    start(
        {sqe.opcode, sqe.flags, sqe.fd, sqe.off, sqe.addr, sqe.len, sqe.user_data, sqe.msg_flags});
  }
  ring_->sq_head = ring.sq.sqe_tail;
  for (size_t index = 0; index < pending_.size();) {
    if (try_complete(pending_[index])) {
      pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(index));
    } else {
      ++index;
    }
  }
  return ring_->cq_tail - ring_->cq_head;
}

void FakeKernel::wait(io_uring& ring, Duration at_most) {
  if (enter(ring) == 0) {
    now_ += at_most;
  }
}

void FakeKernel::complete(const Pending& operation, int32_t result, uint32_t flags) {
  if ((operation.sqe.flags & IOSQE_CQE_SKIP_SUCCESS) != 0 && result >= 0) {
    return;
  }
  ENSURE(ring_->cq_tail - ring_->cq_head < ring_->cqes.size());
  io_uring_cqe& cqe = ring_->cqes[ring_->cq_tail++ & (ring_->cqes.size() - 1)];
  cqe.user_data = operation.sqe.user_data;
  cqe.res = result;
  cqe.flags = flags;
}

void FakeKernel::start(const Request& sqe) {
  switch (sqe.opcode) {
    case IORING_OP_ASYNC_CANCEL:
      ++cancel_count;
      cancel(sqe.addr);
      return;
    case IORING_OP_CLOSE:
      ::close(sqe.fd);
      sockets_[sqe.fd].is_closed = true;
      return;
    case IORING_OP_CONNECT:
      sockets_[sqe.fd] = {};
      dialed.push_back({sqe.fd, *pointer_of<sockaddr_storage>(sqe.addr)});
      break;
    case IORING_OP_READ:
      ++read_count;
      break;
    case IORING_OP_WRITE:
      ++write_count;
      break;
    default:
      break;
  }
  pending_.push_back({sqe});
}

bool FakeKernel::try_complete(Pending& operation) {
  const Request& sqe = operation.sqe;
  switch (sqe.opcode) {
    case IORING_OP_RECVMSG:
      return try_receive(operation);
    case IORING_OP_SENDMSG:
    case IORING_OP_SENDMSG_ZC:
      return try_send(operation);
    case IORING_OP_ACCEPT:
      return try_accept(operation);
    case IORING_OP_READ:
    case IORING_OP_WRITE:
      return try_transfer(operation);
    case IORING_OP_OPENAT2: {
      const long fd = syscall(SYS_openat2, sqe.fd, sqe.addr, sqe.off, sizeof(open_how));
      complete(operation, fd >= 0 ? static_cast<int32_t>(fd) : -errno);
      return true;
    }
    case IORING_OP_CONNECT:
      if (!connects_are_held) {
        complete(operation, connect_result);
      }
      return !connects_are_held;
    case IORING_OP_POLL_ADD: {
      const auto found = sockets_.find(sqe.fd);
      const bool is_ready = found != sockets_.end() && found->second.window_bytes > 0;
      if (is_ready) {
        complete(operation, POLLOUT);
      }
      return is_ready;
    }
    default:
      ENSURE(false && "an operation that the fake kernel does not know");
      return false;
  }
}

bool FakeKernel::try_receive(Pending& operation) {
  FakeSocket& socket = sockets_[operation.sqe.fd];
  if (const int error_number = take_error(socket.receive_errors); error_number != 0) {
    complete(operation, -error_number);
    return true;
  }
  if (socket.opens) {
    return try_receive_opened(operation, socket);
  }
  if (socket.incoming.empty()) {
    if (socket.remote_closed) {
      complete(operation, 0);
    }
    return socket.remote_closed;
  }
  const std::span<const iovec> segments = segments_of(operation.sqe.addr);
  const size_t size = std::min({socket.incoming.size(), socket.receive_max, bytes_of(segments)});
  size_t taken = 0;
  each_part(segments, 0, size, [&](std::span<uint8_t> memory) {
    std::memcpy(memory.data(), socket.incoming.data() + taken, memory.size());
    taken += memory.size();
  });
  socket.incoming.erase(socket.incoming.begin(),
                        socket.incoming.begin() + static_cast<std::ptrdiff_t>(size));
  complete(operation, static_cast<int32_t>(size));
  return true;
}

// As with MSG_WAITALL: it completes when everything is taken.
bool FakeKernel::try_send(Pending& operation) {
  const bool is_zero_copy = operation.sqe.opcode == IORING_OP_SENDMSG_ZC;
  if (operation.is_notification) {
    if (!notifications_are_held) {
      complete(operation, 0, IORING_CQE_F_NOTIF);
    }
    return !notifications_are_held;
  }
  FakeSocket& socket = sockets_[operation.sqe.fd];
  if (const int error_number = take_error(socket.send_errors); error_number != 0) {
    complete(operation, -error_number);
    return true;
  }
  if (socket.seals) {
    return try_send_sealed(operation, socket);
  }
  const std::span<const iovec> segments = segments_of(operation.sqe.addr);
  const size_t all = std::min(bytes_of(segments), socket.send_max);
  const size_t size = std::min(all - operation.done_bytes, socket.window_bytes);
  each_part(segments, operation.done_bytes, size, [&](std::span<const uint8_t> memory) {
    socket.sent.insert(socket.sent.end(), memory.begin(), memory.end());
  });
  operation.done_bytes += size;
  ring_sent_bytes += size;
  if (socket.window_bytes != SIZE_MAX) {
    socket.window_bytes -= size;
  }
  if (operation.done_bytes < all) {
    return false;
  }
  complete(operation, static_cast<int32_t>(all), is_zero_copy ? IORING_CQE_F_MORE : 0);
  operation.is_notification = is_zero_copy;
  return !is_zero_copy;
}

bool FakeKernel::try_accept(Pending& operation) {
  std::deque<int>& waiting = accepted_[operation.sqe.fd];
  while (!waiting.empty()) {
    const int fd = waiting.front();
    waiting.pop_front();
    complete(operation, fd, fd >= 0 ? IORING_CQE_F_MORE : 0);
    if (fd < 0) {
      return true;
    }
  }
  return false;
}

bool FakeKernel::try_transfer(Pending& operation) {
  if (disk_is_held) {
    return false;
  }
  const Request& sqe = operation.sqe;
  const bool is_read = sqe.opcode == IORING_OP_READ;
  const DiskFault fault = take_fault(is_read ? reads : writes);
  if (fault.error_number != 0) {
    complete(operation, -fault.error_number);
    return true;
  }
  const size_t size = std::min<size_t>(sqe.len, fault.size_bytes);
  auto* const memory = pointer_of<void>(sqe.addr);
  const auto offset = static_cast<off_t>(sqe.off);
  const ssize_t moved =
      is_read ? pread(sqe.fd, memory, size, offset) : pwrite(sqe.fd, memory, size, offset);
  complete(operation, moved >= 0 ? static_cast<int32_t>(moved) : -errno);
  return true;
}

void FakeKernel::cancel(uint64_t user_data) {
  const auto found = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& entry) {
    return entry.sqe.user_data == user_data;
  });
  const bool can = found != pending_.end() && found->sqe.opcode != IORING_OP_READ &&
                   found->sqe.opcode != IORING_OP_WRITE && !found->is_notification;
  if (!can || cancels == Cancel::never) {
    return;
  }
  const auto done = static_cast<int32_t>(found->done_bytes);
  if (found->sqe.opcode == IORING_OP_SENDMSG_ZC) {
    complete(*found, done > 0 ? done : -ECANCELED, IORING_CQE_F_MORE);
    found->is_notification = true;
    return;
  }
  complete(*found, done > 0 ? done : -ECANCELED);
  pending_.erase(found);
}

void FakeKernel::release_everything() {
  reads.clear();
  writes.clear();
  disk_is_held = false;
  connects_are_held = false;
  notifications_are_held = false;
  cancels = Cancel::at_once;
  for (auto& [fd, socket] : sockets_) {
    socket.window_bytes = SIZE_MAX;
    socket.remote_closed = true;
  }
}

uint32_t FakeKernel::pending(uint8_t opcode) const {
  return static_cast<uint32_t>(
      std::count_if(pending_.begin(), pending_.end(),
                    [&](const Pending& entry) { return entry.sqe.opcode == opcode; }));
}

uint32_t FakeKernel::pending_of(uint8_t opcode, int fd) const {
  return static_cast<uint32_t>(std::count_if(
      pending_.begin(), pending_.end(),
      [&](const Pending& entry) { return entry.sqe.opcode == opcode && entry.sqe.fd == fd; }));
}

}  // namespace murder::test

// --- in place of liburing ------------------------------------------------------------------------

using murder::test::FakeKernel;

extern "C" {

int io_uring_queue_init_params(unsigned entries, io_uring* ring, io_uring_params*) {
  FakeKernel::current().set_up(*ring, entries);
  return 0;
}

void io_uring_queue_exit(io_uring* ring) {
  FakeKernel::current().tear_down(*ring);
}

io_uring_probe* io_uring_get_probe_ring(io_uring*) {
  constexpr size_t operation_count = 256;
  auto* probe = static_cast<io_uring_probe*>(
      std::calloc(1, sizeof(io_uring_probe) + operation_count * sizeof(io_uring_probe_op)));
  probe->last_op = IORING_OP_SENDMSG_ZC;
  for (size_t index = 0; index <= IORING_OP_SENDMSG_ZC; ++index) {
    probe->ops[index].flags = IO_URING_OP_SUPPORTED;
  }
  return probe;
}

void io_uring_free_probe(io_uring_probe* probe) {
  std::free(probe);
}

int io_uring_register_buf_ring(io_uring*, io_uring_buf_reg*, unsigned) {
  return 0;
}

int io_uring_unregister_buf_ring(io_uring*, int) {
  return 0;
}

int io_uring_submit(io_uring* ring) {
  FakeKernel::current().enter(*ring);
  return 0;
}

int io_uring_get_events(io_uring*) {
  return 0;
}

int io_uring_submit_and_get_events(io_uring* ring) {
  return io_uring_submit(ring);
}

int io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** cqe, unsigned,
                                     __kernel_timespec* timeout, sigset_t*) {
  FakeKernel::current().wait(
      *ring, std::chrono::seconds(timeout->tv_sec) + std::chrono::nanoseconds(timeout->tv_nsec));
  *cqe = nullptr;
  return 0;
}

int __io_uring_get_cqe(io_uring*, io_uring_cqe**, unsigned, unsigned, sigset_t*) {
  return -EAGAIN;
}

}  // extern "C"
