#include "engine/tls/handshake.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string_view>

#include "engine/base/ensure.h"
#include "engine/tls/bounds.h"

namespace murder::tls {
namespace {

// What the key is called in the handshake, in the clear: the same for all fleets and swarms.
constexpr std::string_view key_name = "murder";
constexpr uint16_t aes_suite = 0x1301;
constexpr uint16_t chacha_suite = 0x1303;

const trust::Secret& key_of(const SSL* ssl) {
  return static_cast<const HandshakeSecrets*>(SSL_get_app_data(ssl))->key;
}

// A session of TLS 1.3 that has the key, as OpenSSL wants it. nullptr: there is no memory.
SSL_SESSION* session_with(SSL* ssl, const trust::Secret& key) {
  const uint8_t suite[] = {aes_suite >> 8U, aes_suite & 0xff};
  const SSL_CIPHER* const cipher = SSL_CIPHER_find(ssl, suite);
  SSL_SESSION* const session = SSL_SESSION_new();
  if (session == nullptr || cipher == nullptr ||
      SSL_SESSION_set1_master_key(session, key.data(), key.size()) != 1 ||
      SSL_SESSION_set_cipher(session, cipher) != 1 ||
      SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) != 1) {
    SSL_SESSION_free(session);
    return nullptr;
  }
  return session;
}

int use_key(SSL* ssl, const EVP_MD*, const unsigned char** name, size_t* name_bytes,
            SSL_SESSION** session) {
  *session = session_with(ssl, key_of(ssl));
  *name = reinterpret_cast<const unsigned char*>(key_name.data());
  *name_bytes = key_name.size();
  return *session != nullptr ? 1 : 0;
}

int find_key(SSL* ssl, const unsigned char* name, size_t name_bytes, SSL_SESSION** session) {
  *session = nullptr;
  if (!std::equal(name, name + name_bytes, key_name.begin(), key_name.end())) {
    return 1;
  }
  *session = session_with(ssl, key_of(ssl));
  return *session != nullptr ? 1 : 0;
}

}  // namespace

void Handshake::SslDeleter::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

Handshake::Handshake(const Context& context, Role role, const trust::Secret& key)
    : ssl_(SSL_new(context.get())), secrets_{.key = key} {
  BIO* const input = BIO_new(BIO_s_mem());
  BIO* const output = BIO_new(BIO_s_mem());
  if (ssl_ == nullptr || input == nullptr || output == nullptr ||
      SSL_set_app_data(ssl_.get(), &secrets_) != 1) {
    BIO_free(input);
    BIO_free(output);
    state_ = State::failed;
    return;
  }
  BIO_set_mem_eof_return(input, -1);  // more is to come
  SSL_set_bio(ssl_.get(), input, output);
  if (role == Role::client) {
    SSL_set_psk_use_session_callback(ssl_.get(), use_key);
    SSL_set_connect_state(ssl_.get());
  } else {
    SSL_set_psk_find_session_callback(ssl_.get(), find_key);
    SSL_set_accept_state(ssl_.get());
    const uint8_t session_context = 0;  // OpenSSL wants a server to have one
    if (SSL_set_session_id_context(ssl_.get(), &session_context, 1) != 1) {
      state_ = State::failed;
    }
  }
}

Handshake::~Handshake() {
  OPENSSL_cleanse(&secrets_, sizeof(secrets_));
}

// OpenSSL reads record by record, so what is behind the last one of the handshake stays.
size_t Handshake::take(std::span<const uint8_t> bytes) {
  if (state_ != State::running) {
    return 0;
  }
  taken_bytes_ += bytes.size();
  const int size = static_cast<int>(bytes.size());
  if (size > 0 && BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), size) != size) {
    state_ = State::failed;
    return 0;
  }
  advance();
  const size_t left = BIO_ctrl_pending(SSL_get_rbio(ssl_.get()));
  ENSURE(left <= bytes.size() || state_ != State::done);
  taken_bytes_ -= state_ == State::done ? left : 0;
  if (state_ == State::running && taken_bytes_ > limits::tls_handshake_bytes_max) {
    state_ = State::failed;
  }
  return state_ == State::done ? bytes.size() - left : bytes.size();
}

void Handshake::advance() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    state_ = is_as_agreed() ? State::done : State::failed;
  } else if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
    state_ = State::failed;
  }
  ERR_clear_error();
}

// "Reused" is what OpenSSL calls a handshake that both proved the key in.
bool Handshake::is_as_agreed() {
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl_.get());
  const uint16_t suite = cipher == nullptr ? 0 : SSL_CIPHER_get_protocol_id(cipher);
  if (suite != aes_suite && suite != chacha_suite) {
    return false;
  }
  secrets_.traffic.suite = suite == aes_suite ? Suite::aes_128_gcm : Suite::chacha20_poly1305;
  return SSL_session_reused(ssl_.get()) == 1 && SSL_version(ssl_.get()) == TLS1_3_VERSION &&
         secrets_.has_client && secrets_.has_server;
}

std::vector<uint8_t> Handshake::take_output() {
  if (state_ == State::failed) {
    return {};
  }
  BIO* const output = SSL_get_wbio(ssl_.get());
  std::vector<uint8_t> bytes(BIO_ctrl_pending(output));
  if (!bytes.empty()) {
    const int size = static_cast<int>(bytes.size());
    ENSURE(BIO_read(output, bytes.data(), size) == size);
  }
  return bytes;
}

}  // namespace murder::tls
