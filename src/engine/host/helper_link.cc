#include "engine/host/helper_link.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace murder::host {
namespace {

constexpr size_t packet_bytes_max = 128 * 1024;

tl::unexpected<Error> gone() {
  return fail(ErrorCode::conflict, "the other process has ended");
}

// Room for one descriptor, as recvmsg(2) wants it.
struct Control {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> bytes{};
};

}  // namespace

Status HelperLink::send(const Json& message, int passed_fd) {
  const std::string packet = json_text(message);
  iovec part{.iov_base = const_cast<char*>(packet.data()), .iov_len = packet.size()};
  msghdr head{};
  head.msg_iov = &part;
  head.msg_iovlen = 1;
  Control control;
  if (passed_fd >= 0) {
    head.msg_control = control.bytes.data();
    head.msg_controllen = control.bytes.size();
    cmsghdr* const passed = CMSG_FIRSTHDR(&head);
    passed->cmsg_level = SOL_SOCKET;
    passed->cmsg_type = SCM_RIGHTS;
    passed->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(passed), &passed_fd, sizeof(int));
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket_.get(), &head, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? Status(gone()) : Status();
}

Result<HelperLink::Received> HelperLink::receive() {
  std::string packet(packet_bytes_max, '\0');
  iovec part{.iov_base = packet.data(), .iov_len = packet.size()};
  Control control;
  msghdr head{};
  head.msg_iov = &part;
  head.msg_iovlen = 1;
  head.msg_control = control.bytes.data();
  head.msg_controllen = control.bytes.size();
  ssize_t size = 0;
  do {
    size = ::recvmsg(socket_.get(), &head, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  Received received;
  const cmsghdr* const passed = size < 0 ? nullptr : CMSG_FIRSTHDR(&head);
  if (passed != nullptr && passed->cmsg_level == SOL_SOCKET && passed->cmsg_type == SCM_RIGHTS &&
      passed->cmsg_len == CMSG_LEN(sizeof(int))) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(passed), sizeof(int));
    received.fd = io::Fd(fd);
  }
  if (size <= 0 || (head.msg_flags & MSG_TRUNC) != 0) {
    return gone();
  }
  packet.resize(static_cast<size_t>(size));
  Result<Json> message = parse_json(packet);
  if (!message || !message->is_object()) {
    return gone();
  }
  received.message = std::move(*message);
  return received;
}

Json json_of_failure(const Error& error) {
  return {{"code", static_cast<unsigned>(error.code)}, {"text", error.text}};
}

Error failure_of_json(const Json& json) {
  return {.code = static_cast<ErrorCode>(count_member(json, "code")),
          .text = text_member(json, "text")};
}

}  // namespace murder::host
