#include "engine/io/kernel_tls.h"

#include <doctest/doctest.h>
#include <linux/tls.h>
#include <sys/socket.h>

#include <cstring>
#include <fstream>
#include <string>

#include "engine/base/fd.h"

using namespace murder;
using io::TlsRecordType;

namespace {

// As the kernel fills it.
uint8_t type_after(int level, int type, size_t size_bytes, uint8_t value) {
  TlsRecordType record_type;
  msghdr message{};
  record_type.attach(message);
  auto* const header = static_cast<cmsghdr*>(message.msg_control);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(size_bytes);
  *CMSG_DATA(header) = value;
  message.msg_controllen = size_bytes == 0 ? 0 : CMSG_SPACE(size_bytes);
  return TlsRecordType::of(message);
}

}  // namespace

TEST_CASE("the type of records is what the kernel says, else data") {
  CHECK(type_after(282, TLS_GET_RECORD_TYPE, 1, 21) == 21);
  CHECK(type_after(282, TLS_GET_RECORD_TYPE, 1, 23) == TlsRecordType::data);
  CHECK(type_after(SOL_SOCKET, TLS_GET_RECORD_TYPE, 1, 21) == TlsRecordType::data);
  CHECK(type_after(282, TLS_SET_RECORD_TYPE, 1, 21) == TlsRecordType::data);
  CHECK(type_after(282, TLS_GET_RECORD_TYPE, 0, 21) == TlsRecordType::data);
}

TEST_CASE("a socket that is no TCP connection is not handed over") {
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const Fd one(ends[0]);
  const Fd other(ends[1]);
  const std::array<uint8_t, 16> key{};
  for (const auto direction : {io::TlsDirection::sends, io::TlsDirection::receives}) {
    CHECK(io::hand_over_tls(one.get(), direction, {.key = key}) != 0);
  }
  CHECK(send(one.get(), "x", 1, 0) == 1);  // and goes on as it was
}

TEST_CASE("whether the module is there is what the kernel lists") {
  std::ifstream file("/proc/sys/net/ipv4/tcp_available_ulp");
  bool is_listed = false;
  for (std::string name; file >> name;) {
    is_listed |= name == "tls";
  }
  CHECK(io::is_kernel_tls_loaded() == is_listed);
}
