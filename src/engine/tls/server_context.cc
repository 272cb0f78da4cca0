#include "engine/tls/server_context.h"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <ctime>
#include <memory>
#include <optional>
#include <utility>

#include "engine/base/types.h"
#include "engine/tls/bounds.h"
#include "engine/tls/certificate_key.h"
#include "engine/trust/openssl.h"

namespace murder::tls {
namespace {

struct PemRelease {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, PemRelease>;

tl::unexpected<Error> refuse(std::string text) {
  ERR_clear_error();
  return fail(ErrorCode::invalid_input, std::move(text));
}

// Nobody is asked for a passphrase.
int no_passphrase(char* /*text*/, int /*size*/, int /*writes*/, void* /*user*/) {
  return -1;
}

Owned<BIO> reader_of(std::string_view text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// The only protocol here; clients that name others alone are refused by their own.
int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* chosen_bytes,
                    const unsigned char* offered, unsigned offered_bytes, void* /*user*/) {
  constexpr std::string_view ours = "\x08http/1.1";
  unsigned char* found = nullptr;
  const bool is_offered =
      SSL_select_next_proto(&found, chosen_bytes, as_bytes_of(ours).data(), ours.size(), offered,
                            offered_bytes) == OPENSSL_NPN_NEGOTIATED;
  *chosen = found;
  return is_offered ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

// Of TLS 1.2 those that agree on keys anew for each connection: with others, and with its tickets,
// who learns this server's key later, or what is in its memory, reads what was recorded before.
constexpr const char* suites_of_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20";

int leave_tickets_out(SSL* ssl, void* /*user*/) {
  if (SSL_version(ssl) < TLS1_3_VERSION) {
    SSL_set_options(ssl, SSL_OP_NO_TICKET);
  }
  return 1;
}

ContextHandle make_server_context() {
  ContextHandle context(trust::start_openssl() ? SSL_CTX_new(TLS_server_method()) : nullptr);
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context.get(), suites_of_1_2) != 1 ||
      SSL_CTX_set_num_tickets(context.get(), 1) != 1) {
    return nullptr;
  }
  SSL_CTX_set_security_level(context.get(), 2);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                         SSL_OP_PRIORITIZE_CHACHA |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context.get(), limits::tls_ticket_lasts_s);
  SSL_CTX_set_max_cert_list(context.get(), limits::certificates_bytes_max);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  SSL_CTX_set_cert_cb(context.get(), leave_tickets_out, nullptr);
  return context;
}

Status use_certificates(ssl_ctx_st* context, std::string_view pem) {
  const Owned<BIO> reader = reader_of(pem);
  bool is_first = true;
  while (Owned<X509> certificate{
      reader == nullptr ? nullptr
                        : PEM_read_bio_X509(reader.get(), nullptr, no_passphrase, nullptr)}) {
    const bool is_used = is_first ? SSL_CTX_use_certificate(context, certificate.get()) == 1
                                  : SSL_CTX_add0_chain_cert(context, certificate.get()) == 1;
    if (!is_used) {
      const char* const words = ERR_reason_error_string(ERR_peek_last_error());
      return refuse(fmt::format("the certificate cannot be used: {}",
                                words == nullptr ? "OpenSSL says no reason" : words));
    }
    if (!is_first) {
      certificate.release();  // the context has it
    }
    is_first = false;
  }
  ERR_clear_error();  // the end of the text is one
  return is_first ? refuse("the certificate is not in PEM format (-----BEGIN CERTIFICATE-----)")
                  : Status{};
}

Status use_key(ssl_ctx_st* context, std::string_view pem) {
  const Owned<BIO> reader = reader_of(pem);
  const Owned<EVP_PKEY> key(
      reader == nullptr ? nullptr
                        : PEM_read_bio_PrivateKey(reader.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) {
    const bool is_encrypted = pem.find("ENCRYPTED") != std::string_view::npos;
    return refuse(is_encrypted ? "the key has a passphrase, which nobody could enter at a start of "
                                 "the service: `openssl pkey -in FILE -out FILE2` removes it"
                               : "the key is not in PEM format (-----BEGIN PRIVATE KEY-----)");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return refuse("the key is not that of the certificate, or is too weak");
  }
  return {};
}

std::optional<int64_t> end_of(const X509* certificate) {
  std::tm end{};
  const ASN1_TIME* const not_after = X509_get0_notAfter(certificate);
  if (ASN1_TIME_to_tm(not_after, &end) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return timegm(&end);
}

}  // namespace

ServerContext::ServerContext(const ServerContext& other)
    : pin_(other.pin_), expires_s_(other.expires_s_) {
  SSL_CTX_up_ref(other.context_.get());
  context_.reset(other.context_.get());
}

ServerContext& ServerContext::operator=(ServerContext other) noexcept {
  std::swap(context_, other.context_);
  pin_ = other.pin_;
  expires_s_ = other.expires_s_;
  return *this;
}

Result<ServerContext> ServerContext::create(std::string_view certificate_pem,
                                            std::string_view key_pem) {
  ContextHandle context = make_server_context();
  if (context == nullptr) {
    ERR_clear_error();
    return fail(ErrorCode::limit, "not enough memory for TLS");
  }
  if (Status used = use_certificates(context.get(), certificate_pem); !used) {
    return fail(used.error());
  }
  if (Status used = use_key(context.get(), key_pem); !used) {
    return fail(used.error());
  }
  const X509* const own = SSL_CTX_get0_certificate(context.get());
  const std::optional<KeyPin> pin = own == nullptr ? std::nullopt : key_of(own);
  const std::optional<int64_t> end = own == nullptr ? std::nullopt : end_of(own);
  if (!pin || !end) {
    return refuse("the certificate has no key or no end that can be read");
  }
  ServerContext made(std::move(context));
  made.pin_ = *pin;
  made.expires_s_ = *end;
  return made;
}

}  // namespace murder::tls
