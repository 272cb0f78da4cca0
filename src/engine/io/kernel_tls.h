// TLS 1.3 by the kernel (its module tls, Documentation/networking/tls.rst): when a handshake is
// over, it seals what is written to a socket, by sendfile(2) as well, and opens what is read.
//
// A key stays with its direction: kernels before 6.14 take no other one, and refuse what follows a
// KeyUpdate. Whoever hands a connection over makes another one when the key is used up.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <span>

namespace murder::io {

enum class TlsCipher : uint8_t { aes_128_gcm, chacha20_poly1305 };
enum class TlsDirection : uint8_t { sends, receives };

struct TlsKeys {
  TlsCipher cipher = TlsCipher::aes_128_gcm;
  std::span<const uint8_t> key;     // 16 bytes, or 32 of ChaCha20
  std::array<uint8_t, 12> nonce{};  // "iv" of RFC 8446, section 7.3
  uint64_t record_number = 0;       // of the record that comes next
};

// From now on one direction of an established connection passes through the kernel's cipher. An
// errno value; 0: it does. Nothing changes for a direction that was refused.
[[nodiscard]] int hand_over_tls(int fd, TlsDirection direction, const TlsKeys& keys);

// Sends a record that is no data, past the ring and without waiting. False: the socket is full.
bool send_tls_record(int fd, uint8_t type, std::span<const uint8_t> content);

// What a receive says of the records it took, which are all of one type.
class TlsRecordType {
 public:
  static constexpr uint8_t data = 23;

  // Before each receive; stays where it is until it is over.
  void attach(msghdr& message);
  // After it.
  [[nodiscard]] static uint8_t of(const msghdr& message);

 private:
  alignas(cmsghdr) std::array<uint8_t, CMSG_SPACE(sizeof(uint8_t))> control_{};
};

// Whether sockets get it now: the module is loaded. A process with CAP_NET_ADMIN loads it by its
// first try, others do not.
[[nodiscard]] bool is_kernel_tls_loaded();

}  // namespace murder::io
