#include "engine/io/kernel_tls.h"

#include <fcntl.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "engine/base/ensure.h"
#include "engine/base/fd.h"

namespace murder::io {
namespace {

constexpr int level_tls = 282;        // SOL_TLS
constexpr int expect_no_padding = 4;  // TLS_RX_EXPECT_NO_PAD, Linux 6.0
constexpr std::string_view protocol = "tls";
constexpr const char* protocols_file = "/proc/sys/net/ipv4/tcp_available_ulp";

template <typename Info>
void fill(Info& info, uint16_t cipher_type, const TlsKeys& keys) {
  constexpr size_t salt_bytes = sizeof(keys.nonce) - sizeof(info.iv);
  ENSURE(keys.key.size() == sizeof(info.key));
  info.info.version = TLS_1_3_VERSION;
  info.info.cipher_type = cipher_type;
  std::copy_n(keys.key.begin(), sizeof(info.key), info.key);
  if constexpr (salt_bytes > 0) {
    std::copy_n(keys.nonce.begin(), salt_bytes, info.salt);
  }
  std::copy_n(keys.nonce.begin() + salt_bytes, sizeof(info.iv), info.iv);
  for (size_t index = 0; index < sizeof(info.rec_seq); ++index) {
    info.rec_seq[sizeof(info.rec_seq) - 1 - index] =
        static_cast<uint8_t>(keys.record_number >> (8 * index));
  }
}

template <typename Info>
int give_keys(int fd, int option, uint16_t cipher_type, const TlsKeys& keys) {
  Info info{};
  fill(info, cipher_type, keys);
  const int result = setsockopt(fd, level_tls, option, &info, sizeof(info));
  const int error_number = result == 0 ? 0 : errno;
  explicit_bzero(&info, sizeof(info));
  return error_number;
}

}  // namespace

int hand_over_tls(int fd, TlsDirection direction, const TlsKeys& keys) {
  // Of a connection whose other direction was handed over, it is there.
  if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, protocol.data(), protocol.size()) != 0 &&
      errno != EEXIST) {
    return errno;
  }
  const int option = direction == TlsDirection::sends ? TLS_TX : TLS_RX;
  const int error_number =
      keys.cipher == TlsCipher::aes_128_gcm
          ? give_keys<tls12_crypto_info_aes_gcm_128>(fd, option, TLS_CIPHER_AES_GCM_128, keys)
          : give_keys<tls12_crypto_info_chacha20_poly1305>(fd, option, TLS_CIPHER_CHACHA20_POLY1305,
                                                           keys);
  if (error_number == 0 && direction == TlsDirection::receives) {
    // Records of data are opened right into the memory of who reads: our peers pad none, and of one
    // that is padded the kernel makes a copy.
    const int is_expected = 1;
    static_cast<void>(
        setsockopt(fd, level_tls, expect_no_padding, &is_expected, sizeof(is_expected)));
  }
  return error_number;
}

bool send_tls_record(int fd, uint8_t type, std::span<const uint8_t> content) {
  alignas(cmsghdr) std::array<uint8_t, CMSG_SPACE(sizeof(type))> control{};
  iovec segment{const_cast<uint8_t*>(content.data()), content.size()};  // as iovec wants it
  msghdr message{};
  message.msg_iov = &segment;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level_tls;
  header->cmsg_type = TLS_SET_RECORD_TYPE;
  header->cmsg_len = CMSG_LEN(sizeof(type));
  *CMSG_DATA(header) = type;
  const ssize_t sent = ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(content.size());
}

void TlsRecordType::attach(msghdr& message) {
  message.msg_control = control_.data();
  message.msg_controllen = control_.size();
}

uint8_t TlsRecordType::of(const msghdr& message) {
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  const bool is_said = header != nullptr && header->cmsg_level == level_tls &&
                       header->cmsg_type == TLS_GET_RECORD_TYPE &&
                       header->cmsg_len >= CMSG_LEN(sizeof(uint8_t));
  return is_said ? *CMSG_DATA(header) : data;
}

bool is_kernel_tls_loaded() {
  const Fd fd(open(protocols_file, O_RDONLY | O_CLOEXEC));
  std::array<char, 256> text{};
  const ssize_t size = fd.is_open() ? read(fd.get(), text.data(), text.size() - 1) : 0;
  std::string_view rest(text.data(), static_cast<size_t>(std::max<ssize_t>(size, 0)));
  while (!rest.empty()) {
    const size_t end = std::min(rest.find_first_of(" \n"), rest.size());
    if (rest.substr(0, end) == protocol) {
      return true;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

}  // namespace murder::io
