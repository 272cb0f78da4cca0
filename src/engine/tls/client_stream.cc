#include "engine/tls/client_stream.h"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "engine/base/endpoint.h"
#include "engine/base/ensure.h"
#include "engine/base/types.h"

namespace murder::tls {
namespace {

constexpr std::string_view protocols = "\x08http/1.1";  // ALPN: a length and a name each
constexpr size_t read_bytes = 4096;

struct KeyRelease {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

bool expects_name(SSL* ssl, const std::string& host) {
  if (IpAddress::parse(host)) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  }
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1;
}

}  // namespace

void ClientStream::SslDeleter::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

Result<ClientStream> ClientStream::create(const std::string& host, std::vector<KeyPin> pins) {
  const Result<ContextHandle> context = client_context(!pins.empty());
  if (!context) {
    return fail(context.error());
  }
  Ssl ssl(SSL_new(context->get()));
  BIO* const input = BIO_new(BIO_s_mem());
  BIO* const output = BIO_new(BIO_s_mem());
  if (ssl == nullptr || input == nullptr || output == nullptr) {
    BIO_free(input);
    BIO_free(output);
    ERR_clear_error();
    return fail(ErrorCode::limit, "not enough memory for TLS");
  }
  BIO_set_mem_eof_return(input, -1);  // more is to come
  SSL_set_bio(ssl.get(), input, output);
  SSL_set_connect_state(ssl.get());
  const bool has_name =
      IpAddress::parse(host) || SSL_set_tlsext_host_name(ssl.get(), host.c_str()) == 1;
  const bool is_ready =
      has_name && (!pins.empty() || expects_name(ssl.get(), host)) &&
      SSL_set_alpn_protos(ssl.get(), as_bytes_of(protocols).data(), protocols.size()) == 0;
  ERR_clear_error();
  if (!is_ready) {
    return fail(ErrorCode::invalid_input, "a certificate cannot have the name " + host);
  }
  ClientStream stream(std::move(ssl), host, std::move(pins));
  stream.advance();
  return stream;
}

void ClientStream::fail_with(std::string text) {
  state_ = State::failed;
  error_.text = std::move(text);
}

// Why OpenSSL went no further: what it thinks of the certificate, or its own words.
void ClientStream::fail_by_openssl(std::string_view doing) {
  const long verified = SSL_get_verify_result(ssl_.get());
  const unsigned long code = ERR_peek_last_error();
  const char* const words = ERR_reason_error_string(code);
  if (pins_.empty() && verified != X509_V_OK) {
    const std::string key = shown_key();
    fail_with(fmt::format(
        "the certificate is not trusted as that of {}: {}. Add its authority to those of this "
        "host (or SSL_CERT_FILE names a file), or pin its key{}{}",
        host_, X509_verify_cert_error_string(verified), key.empty() ? "" : ", which is ", key));
  } else if (words != nullptr) {
    fail_with(fmt::format("{}: {}", doing, words));
  } else {
    fail_with(fmt::format("{}: the server does not speak TLS as this host does", doing));
  }
  ERR_clear_error();
}

// As pins are written; empty: it showed none.
std::string ClientStream::shown_key() const {
  const std::unique_ptr<X509, KeyRelease> certificate(SSL_get1_peer_certificate(ssl_.get()));
  KeyPin pin{};
  unsigned int size = 0;
  uint8_t* der = nullptr;
  const int der_bytes =
      certificate == nullptr ? 0 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
  const bool is_hashed = der_bytes > 0 && EVP_Digest(der, static_cast<size_t>(der_bytes),
                                                     pin.data(), &size, EVP_sha256(), nullptr) == 1;
  OPENSSL_free(der);
  return is_hashed && size == pin.size() ? pin_text(pin) : "";
}

void ClientStream::check_pins() {
  const std::string key = shown_key();
  const bool is_known =
      std::ranges::any_of(pins_, [&](const KeyPin& pin) { return pin_text(pin) == key; });
  if (!is_known) {
    fail_with(fmt::format("the server's key is {}, which is not pinned", key));
  }
}

void ClientStream::advance() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    state_ = State::open;
    if (!pins_.empty()) {
      check_pins();
    }
  } else if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
    fail_by_openssl("the TLS handshake failed");
  }
  ERR_clear_error();
}

void ClientStream::take(std::span<const uint8_t> bytes, std::vector<uint8_t>& plain) {
  if (state_ != State::handshaking && state_ != State::open) {
    return;
  }
  const int size = static_cast<int>(bytes.size());
  if (size > 0 && BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), size) != size) {
    fail_with("not enough memory for TLS");
    return;
  }
  if (state_ == State::handshaking) {
    advance();
  }
  if (state_ == State::open) {
    read(plain);
  }
}

void ClientStream::read(std::vector<uint8_t>& plain) {
  std::array<uint8_t, read_bytes> part;
  ERR_clear_error();
  while (state_ == State::open) {
    const int size = SSL_read(ssl_.get(), part.data(), static_cast<int>(part.size()));
    if (size > 0) {
      plain.insert(plain.end(), part.begin(), part.begin() + size);
      continue;
    }
    switch (SSL_get_error(ssl_.get(), size)) {
      case SSL_ERROR_WANT_READ:
        return;
      case SSL_ERROR_ZERO_RETURN:
        state_ = State::ended;
        return;
      default:
        fail_by_openssl("the connection was changed on its way");
    }
  }
}

void ClientStream::write(std::span<const uint8_t> plain) {
  ENSURE(state_ == State::open);
  const int size = static_cast<int>(plain.size());
  if (size > 0 && SSL_write(ssl_.get(), plain.data(), size) != size) {
    fail_by_openssl("cannot encrypt");
  }
}

std::string ClientStream::take_output() {
  BIO* const output = SSL_get_wbio(ssl_.get());
  std::string bytes(BIO_ctrl_pending(output), '\0');
  if (!bytes.empty()) {
    const int size = static_cast<int>(bytes.size());
    ENSURE(BIO_read(output, bytes.data(), size) == size);
  }
  return bytes;
}

}  // namespace murder::tls
