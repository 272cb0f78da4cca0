#include "openssl_peer.h"

#include <openssl/x509.h>

#include <array>

namespace murder::test {
namespace {

SSL_SESSION* session_of(SSL* ssl) {
  const auto& options = static_cast<OpensslPeer*>(SSL_get_app_data(ssl))->options;
  const uint8_t suite[] = {0x13, 0x01};
  const trust::Secret key = key_of(options.key_fill);
  SSL_SESSION* session = SSL_SESSION_new();
  SSL_SESSION_set1_master_key(session, key.data(), key.size());
  SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, suite));
  SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION);
  return session;
}

int use(SSL* ssl, const EVP_MD*, const unsigned char** name, size_t* size, SSL_SESSION** session) {
  const auto& options = static_cast<OpensslPeer*>(SSL_get_app_data(ssl))->options;
  *name = reinterpret_cast<const unsigned char*>(options.key_name.data());
  *size = options.key_name.size();
  *session = session_of(ssl);
  return 1;
}

int find(SSL* ssl, const unsigned char*, size_t, SSL_SESSION** session) {
  *session = session_of(ssl);
  return 1;
}

void show_certificate(SSL_CTX* context) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  X509_set_pubkey(certificate, key);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_sign(certificate, key, EVP_sha256());
  REQUIRE(SSL_CTX_use_certificate(context, certificate) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey(context, key) == 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

}  // namespace

OpensslPeer::OpensslPeer(tls::Role role, const OpensslOptions& given)
    : options(given), context_(SSL_CTX_new(TLS_method())) {
  SSL_CTX_set_max_proto_version(context_, options.version_max);
  SSL_CTX_set_ciphersuites(context_, options.suites);
  SSL_CTX_set_num_tickets(context_, static_cast<size_t>(options.tickets));
  if (options.has_certificate) {
    show_certificate(context_);
  }
  ssl_ = SSL_new(context_);
  SSL_set_app_data(ssl_, this);
  SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  BIO_set_mem_eof_return(SSL_get_rbio(ssl_), -1);
  if (role == tls::Role::client) {
    SSL_set_connect_state(ssl_);
    if (options.has_key) {
      SSL_set_psk_use_session_callback(ssl_, use);
    }
  } else {
    SSL_set_accept_state(ssl_);
    if (options.has_key) {
      SSL_set_psk_find_session_callback(ssl_, find);
    }
  }
}

OpensslPeer::~OpensslPeer() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

Bytes OpensslPeer::output() {
  Bytes bytes(BIO_ctrl_pending(SSL_get_wbio(ssl_)));
  BIO_read(SSL_get_wbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

Bytes OpensslPeer::take(const Bytes& bytes) {
  BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
  is_open = is_open || SSL_do_handshake(ssl_) == 1;
  std::array<uint8_t, 4096> part{};
  int size = 0;
  while (is_open && (size = SSL_read(ssl_, part.data(), static_cast<int>(part.size()))) > 0) {
    data.insert(data.end(), part.begin(), part.begin() + size);
  }
  is_closed = SSL_get_error(ssl_, size) == SSL_ERROR_ZERO_RETURN;
  return output();
}

Bytes OpensslPeer::write(std::string_view text) {
  REQUIRE(SSL_write(ssl_, text.data(), static_cast<int>(text.size())) ==
          static_cast<int>(text.size()));
  return output();
}

Bytes OpensslPeer::update_key(bool is_requested) {
  REQUIRE(SSL_key_update(
              ssl_, is_requested ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
  REQUIRE(SSL_do_handshake(ssl_) == 1);
  return output();
}

Bytes OpensslPeer::close() {
  SSL_shutdown(ssl_);
  return output();
}

}  // namespace murder::test
