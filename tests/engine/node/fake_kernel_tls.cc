// The part of the fake kernel that opens and seals records of TLS.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/base/ensure.h"
#include "engine/io/kernel_tls.h"
#include "fake_kernel.h"
#include "fake_segments.h"

namespace murder::test {

// As tls_sw_recvmsg() does it: records of one type, and their type beside them.
bool FakeKernel::try_receive_opened(Pending& operation, FakeSocket& socket) {
  auto* const message = pointer_of<msghdr>(operation.sqe.addr);
  const std::span<const iovec> segments = segments_of(operation.sqe.addr);
  const size_t room = std::min(bytes_of(segments), socket.receive_max);
  size_t taken = 0;
  uint8_t type = 0;
  while (taken < room) {
    if (socket.opened.empty()) {
      const auto record = socket.opens->open_next(socket.incoming);
      if (record.is_wrong) {
        complete(operation, -EBADMSG);
        return true;
      }
      if (record.content.empty()) {
        break;
      }
      socket.opened = record.content;
      socket.opened_type = record.type;
    }
    if (type != 0 && socket.opened_type != type) {
      break;
    }
    type = socket.opened_type;
    const size_t size = std::min(room - taken, socket.opened.size());
    size_t copied = 0;
    each_part(segments, taken, size, [&](std::span<uint8_t> memory) {
      std::memcpy(memory.data(), socket.opened.data() + copied, memory.size());
      copied += memory.size();
    });
    taken += size;
    socket.opened.erase(socket.opened.begin(),
                        socket.opened.begin() + static_cast<std::ptrdiff_t>(size));
    if (type != FakeTls::data) {
      break;
    }
  }
  if (taken == 0) {
    if (socket.remote_closed) {
      complete(operation, 0);
    }
    return socket.remote_closed;
  }
  const bool is_said = FakeTls::say_type(*message, type);
  complete(operation, is_said || type == FakeTls::data ? static_cast<int32_t>(taken) : -EIO);
  return true;
}

// It knows neither MSG_WAITALL nor sends without a copy.
bool FakeKernel::try_send_sealed(Pending& operation, FakeSocket& socket) {
  if ((operation.sqe.msg_flags & ~uint32_t{MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL}) != 0 ||
      operation.sqe.opcode == IORING_OP_SENDMSG_ZC) {
    complete(operation, -EOPNOTSUPP);
    return true;
  }
  const std::span<const iovec> segments = segments_of(operation.sqe.addr);
  const size_t size = std::min({bytes_of(segments), socket.send_max, socket.window_bytes});
  if (size == 0) {
    return false;
  }
  std::vector<uint8_t> plain;
  each_part(segments, 0, size, [&](std::span<const uint8_t> memory) {
    plain.insert(plain.end(), memory.begin(), memory.end());
  });
  socket.seals->seal(FakeTls::data, plain, socket.sent);
  ring_sent_bytes += size;
  if (socket.window_bytes != SIZE_MAX) {
    socket.window_bytes -= size;
  }
  complete(operation, static_cast<int32_t>(size));
  return true;
}

}  // namespace murder::test

// --- in place of io/kernel_tls.cc ----------------------------------------------------------------

namespace murder::io {

using test::FakeKernel;
using test::FakeTls;

int hand_over_tls(int fd, TlsDirection direction, const TlsKeys& keys) {
  FakeKernel& kernel = FakeKernel::current();
  ++kernel.tls_asked_count;
  if (kernel.tls_error == 0) {
    test::FakeSocket& socket = kernel.socket(fd);
    (direction == TlsDirection::sends ? socket.seals : socket.opens).emplace(keys);
  }
  return kernel.tls_error;
}

bool send_tls_record(int fd, uint8_t type, std::span<const uint8_t> content) {
  test::FakeSocket& socket = FakeKernel::current().socket(fd);
  ENSURE(socket.seals);
  if (socket.window_bytes > 0) {
    socket.seals->seal(type, content, socket.sent);
  }
  return socket.window_bytes > 0;
}

void TlsRecordType::attach(msghdr& message) {
  message.msg_control = control_.data();
  message.msg_controllen = control_.size();
}

uint8_t TlsRecordType::of(const msghdr& message) {
  return FakeTls::said_type(message);
}

}  // namespace murder::io
