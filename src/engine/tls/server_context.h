// What an https server shows, and by what it proves it: a certificate with those that vouch for it,
// and its key. Connections that began with one keep it when the server gets another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/tls/server_trust.h"

namespace murder::tls {

class ServerContext {
 public:
  // Of PEM texts, the server's own certificate first, the key without a passphrase. TLS 1.2 or
  // newer; tickets are sealed by a key of this process, so nothing is kept of a client. Errors
  // (invalid_input): what is wrong with them, of the form "the certificate ...", "the key ...".
  [[nodiscard]] static Result<ServerContext> create(std::string_view certificate_pem,
                                                    std::string_view key_pem);
  // The same settings, certificate and tickets, not copies of them.
  ServerContext(const ServerContext& other);
  ServerContext& operator=(ServerContext other) noexcept;
  ServerContext(ServerContext&&) noexcept = default;
  ~ServerContext() = default;

  [[nodiscard]] ssl_ctx_st* get() const { return context_.get(); }
  // Of its own key, as clients pin it.
  [[nodiscard]] const KeyPin& pin() const { return pin_; }
  // When the certificate ends, in seconds since 1970.
  [[nodiscard]] int64_t expires_s() const { return expires_s_; }

 private:
  explicit ServerContext(ContextHandle context) : context_(std::move(context)) {}

  ContextHandle context_;
  KeyPin pin_{};
  int64_t expires_s_ = 0;
};

}  // namespace murder::tls
