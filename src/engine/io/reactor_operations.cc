// The start functions of the reactor: one kernel request each.
#include <liburing.h>

#include "engine/io/buffer_ring.h"
#include "engine/io/internal_data.h"
#include "engine/io/reactor.h"

namespace murder::io {
namespace {

sockaddr* generic(sockaddr_storage* address) {
  return reinterpret_cast<sockaddr*>(address);
}
const sockaddr* generic(const sockaddr_storage* address) {
  return reinterpret_cast<const sockaddr*>(address);
}

// The length field of a submission has 32 bits, and the kernel moves at most 2 GiB at once: a
// longer span completes short, which callers of read and write must expect anyway.
uint32_t length_of(size_t size_bytes) {
  constexpr size_t kernel_max = 0x7ffff000;
  return static_cast<uint32_t>(size_bytes < kernel_max ? size_bytes : kernel_max);
}

}  // namespace

void Reactor::accept_multishot(Operation& operation, int fd) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_multishot_accept(sqe, fd, nullptr, nullptr, SOCK_CLOEXEC);
  start(sqe, operation, OperationKind::accept);
}

void Reactor::accept(Operation& operation, int fd, sockaddr_storage* address,
                     socklen_t* address_bytes) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_accept(sqe, fd, generic(address), address_bytes, SOCK_CLOEXEC);
  start(sqe, operation, OperationKind::accept);
}

void Reactor::connect(Operation& operation, int fd, const sockaddr_storage* address,
                      socklen_t address_bytes) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_connect(sqe, fd, generic(address), address_bytes);
  start(sqe, operation, OperationKind::connect);
}

void Reactor::recv(Operation& operation, int fd, std::span<uint8_t> into, int flags) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_recv(sqe, fd, into.data(), length_of(into.size()), flags);
  start(sqe, operation, OperationKind::recv);
}

void Reactor::recvmsg(Operation& operation, int fd, msghdr* message, int flags) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_recvmsg(sqe, fd, message, static_cast<unsigned>(flags));
  start(sqe, operation, OperationKind::recvmsg);
}

void Reactor::recvmsg_when_readable(Operation& operation, int fd, msghdr* message) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_recvmsg(sqe, fd, message, 0);
  sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
  start(sqe, operation, OperationKind::recvmsg);
}

void Reactor::recv_select(Operation& operation, int fd, const BufferRing& buffers) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_recv(sqe, fd, nullptr, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = buffers.group();
  start(sqe, operation, OperationKind::recv);
}

void Reactor::send(Operation& operation, int fd, std::span<const uint8_t> bytes, int flags) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_send(sqe, fd, bytes.data(), length_of(bytes.size()), flags | MSG_NOSIGNAL);
  start(sqe, operation, OperationKind::send);
}

void Reactor::sendmsg(Operation& operation, int fd, const msghdr* message, int flags) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_sendmsg(sqe, fd, message, static_cast<unsigned>(flags | MSG_NOSIGNAL));
  start(sqe, operation, OperationKind::sendmsg);
}

void Reactor::sendmsg_zero_copy(Operation& operation, int fd, const msghdr* message, int flags) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_sendmsg_zc(sqe, fd, message, static_cast<unsigned>(flags | MSG_NOSIGNAL));
  start(sqe, operation, OperationKind::sendmsg_zero_copy);
}

void Reactor::read(Operation& operation, int fd, std::span<uint8_t> into, uint64_t offset) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_read(sqe, fd, into.data(), length_of(into.size()), offset);
  start(sqe, operation, OperationKind::read);
}

void Reactor::write(Operation& operation, int fd, std::span<const uint8_t> bytes, uint64_t offset) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_write(sqe, fd, bytes.data(), length_of(bytes.size()), offset);
  start(sqe, operation, OperationKind::write);
}

void Reactor::open(Operation& operation, int directory_fd, const char* path, open_how* how) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_openat2(sqe, directory_fd, path, how);
  start(sqe, operation, OperationKind::open);
}

void Reactor::poll(Operation& operation, int fd, uint32_t poll_mask) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_poll_add(sqe, fd, poll_mask);
  start(sqe, operation, OperationKind::poll);
}

void Reactor::cancel(Operation& operation) {
  if (!operation.in_flight()) {
    return;
  }
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_cancel64(sqe, operations_.user_data(operation), 0);
  start_internal(sqe, internal_ignored, false);
}

void Reactor::close_fd(int fd) {
  io_uring_sqe* sqe = next_sqe();
  io_uring_prep_close(sqe, fd);
  start_internal(sqe, internal_ignored, false);
}

}  // namespace murder::io
