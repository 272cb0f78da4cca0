// One direction of records as a kernel has them, made of a key, a nonce and a number alone: RFC
// 8446, section 5.2, with AES-128-GCM, by OpenSSL.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/io/kernel_tls.h"

namespace murder::test {

class FakeTls {
 public:
  static constexpr uint8_t data = 23;
  static constexpr uint8_t handshake = 22;
  static constexpr uint8_t alert = 21;

  explicit FakeTls(const io::TlsKeys& keys);

  // Appends as many records as it takes.
  void seal(uint8_t type, std::span<const uint8_t> plain, std::vector<uint8_t>& out);
  // Takes a whole record off the front of `bytes`; without content: there is none yet.
  struct Record {
    bool is_wrong = false;
    uint8_t type = 0;
    std::vector<uint8_t> content;
  };
  [[nodiscard]] Record open_next(std::vector<uint8_t>& bytes);

  // The control message of a receive. False: there is no room for it.
  static bool say_type(msghdr& message, uint8_t type);
  [[nodiscard]] static uint8_t said_type(const msghdr& message);

 private:
  [[nodiscard]] std::array<uint8_t, 12> next_nonce();
  void seal_one(uint8_t type, std::span<const uint8_t> plain, std::vector<uint8_t>& out);

  std::array<uint8_t, 16> key_{};
  std::array<uint8_t, 12> nonce_{};
  uint64_t record_number_;
};

}  // namespace murder::test
