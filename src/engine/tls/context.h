// What all handshakes of a shard share: OpenSSL's settings for TLS 1.3 with a key that both sides
// have, and nothing else: no older version, no certificate, no ticket, no early data. Not changed
// once it is made; outlives the handshakes.
#pragma once

#include <memory>

#include "engine/base/result.h"

struct ssl_ctx_st;

namespace murder::tls {

// Whether AES is faster here than ChaCha20: the processor has instructions for it.
[[nodiscard]] bool has_fast_aes();

class Context {
 public:
  // Errors (limit): not enough memory.
  [[nodiscard]] static Result<std::unique_ptr<Context>> create(bool prefers_aes);

  [[nodiscard]] ssl_ctx_st* get() const { return context_.get(); }

 private:
  struct Deleter {
    void operator()(ssl_ctx_st* context) const;
  };
  using Handle = std::unique_ptr<ssl_ctx_st, Deleter>;

  explicit Context(Handle context) : context_(std::move(context)) {}

  Handle context_;
};

}  // namespace murder::tls
