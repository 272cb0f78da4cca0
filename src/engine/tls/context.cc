#include "engine/tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "engine/tls/handshake_secrets.h"
#include "engine/trust/openssl.h"

namespace murder::tls {
namespace {

constexpr const char* aes_first = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* chacha_first = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
// Keys of records depend on an exchange as well: who learns the fleet's key later reads nothing
// that was recorded.
constexpr const char* groups = "X25519:P-256";

void note_secret(const SSL* ssl, const char* line) {
  static_cast<HandshakeSecrets*>(SSL_get_app_data(ssl))->note(line);
}

bool is_set_up(SSL_CTX* context, bool prefers_aes) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  // What would be sent for the sake of middleboxes that do not know TLS 1.3.
  SSL_CTX_clear_options(context, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  if (!prefers_aes) {
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_keylog_callback(context, note_secret);
  // There are no certificates to trust, so a server that shows one is refused.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_ciphersuites(context, prefers_aes ? aes_first : chacha_first) == 1 &&
         SSL_CTX_set1_groups_list(context, groups) == 1 &&
         SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_max_early_data(context, 0) == 1 &&
         SSL_CTX_set_recv_max_early_data(context, 0) == 1;
}

}  // namespace

bool has_fast_aes() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0;
#elif defined(__aarch64__)
  return (getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#else
  return false;
#endif
}

void Context::Deleter::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<std::unique_ptr<Context>> Context::create(bool prefers_aes) {
  Handle context(trust::start_openssl() ? SSL_CTX_new(TLS_method()) : nullptr);
  const bool is_ready = context != nullptr && is_set_up(context.get(), prefers_aes);
  ERR_clear_error();
  if (!is_ready) {
    return fail(ErrorCode::limit,
                "not enough memory to encrypt: allow this process more (ulimit -v, memory.max of "
                "its control group)");
  }
  return std::unique_ptr<Context>(new Context(std::move(context)));
}

}  // namespace murder::tls
