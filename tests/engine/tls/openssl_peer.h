// The other side of a connection, as OpenSSL alone would have it: a program by another hand, or an
// attacker.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string_view>

#include "pair.h"

namespace murder::test {

struct OpensslOptions {
  int version_max = TLS1_3_VERSION;
  bool has_key = true;
  bool has_certificate = false;
  uint8_t key_fill = 1;
  std::string_view key_name = "murder";
  const char* suites = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
  int tickets = 0;
};

class OpensslPeer {
 public:
  OpensslPeer(tls::Role role, const OpensslOptions& options);
  ~OpensslPeer();

  // Bytes of the other side, of which everything is read; what is answered to them.
  Bytes take(const Bytes& bytes);
  Bytes write(std::string_view text);
  Bytes update_key(bool is_requested);
  Bytes close();

  Bytes data;
  bool is_open = false;
  bool is_closed = false;  // by the other side's close_notify
  OpensslOptions options;

 private:
  Bytes output();

  SSL_CTX* context_;
  SSL* ssl_;
};

}  // namespace murder::test
