#include "engine/tls/client_stream.h"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "engine/base/endpoint.h"
#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/tls/certificate_key.h"
#include "engine/tls/kept_sessions.h"

namespace murder::tls {
namespace {

constexpr std::string_view protocols = "\x08http/1.1";  // ALPN: a length and a name each

struct CertificateRelease {
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

Result<ClientStream> ClientStream::create(const std::string& host, std::vector<KeyPin> pins) {
  const Result<ContextHandle> context = client_context(!pins.empty());
  if (!context) {
    return fail(context.error());
  }
  std::optional<SslPipe> pipe = SslPipe::create(context->get());
  if (!pipe) {
    return fail(ErrorCode::limit, "not enough memory for TLS");
  }
  SSL_set_connect_state(pipe->get());
  const bool has_name =
      IpAddress::parse(host) || SSL_set_tlsext_host_name(pipe->get(), host.c_str()) == 1;
  const bool is_ready =
      has_name && (!pins.empty() || expects_name(pipe->get(), host)) &&
      SSL_set_alpn_protos(pipe->get(), as_bytes_of(protocols).data(), protocols.size()) == 0;
  ERR_clear_error();
  if (!is_ready) {
    return fail(ErrorCode::invalid_input, "a certificate cannot have the name " + host);
  }
  ClientStream stream(std::move(*pipe), host, std::move(pins));
  use_kept_session(stream.believed_as(), stream.pipe_.get());
  stream.advance();
  return stream;
}

bool ClientStream::is_resumed() const {
  return SSL_session_reused(pipe_.get()) == 1;
}

void ClientStream::fail_with(std::string text) {
  state_ = State::failed;
  error_.text = std::move(text);
}

// Why OpenSSL went no further: what it thinks of the certificate, or its own words.
void ClientStream::fail_by_openssl(std::string_view doing) {
  const long verified = SSL_get_verify_result(pipe_.get());
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
  const std::unique_ptr<X509, CertificateRelease> certificate(
      SSL_get1_peer_certificate(pipe_.get()));
  const std::optional<KeyPin> pin =
      certificate == nullptr ? std::nullopt : key_of(certificate.get());
  return pin ? pin_text(*pin) : "";
}

std::string ClientStream::believed_as() const {
  std::string name = host_;
  for (const KeyPin& pin : pins_) {
    name += " " + pin_text(pin);
  }
  return name;
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
  const int result = SSL_do_handshake(pipe_.get());
  if (result == 1) {
    state_ = State::open;
    if (!pins_.empty()) {
      check_pins();
    }
  } else if (SSL_get_error(pipe_.get(), result) != SSL_ERROR_WANT_READ) {
    fail_by_openssl("the TLS handshake failed");
  }
  ERR_clear_error();
}

void ClientStream::take(std::span<const uint8_t> bytes, std::vector<uint8_t>& plain) {
  if (state_ != State::handshaking && state_ != State::open) {
    return;
  }
  if (!std::exchange(has_heard_, has_heard_ || !bytes.empty()) &&
      as_text_of(bytes).starts_with("HTTP/")) {
    fail_with("the server speaks http at this port, not https: write http:// for it");
    return;
  }
  if (!pipe_.feed(bytes)) {
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
  const size_t bytes_before = plain.size();
  const SslPipe::Read read = pipe_.read(plain);
  if (read == SslPipe::Read::failed) {
    fail_by_openssl("the connection was changed on its way");
    return;
  }
  if (plain.size() > bytes_before && !std::exchange(has_answered_, true)) {
    keep_session(believed_as(), pipe_.get());  // its ticket came in front of what it says
  }
  if (read == SslPipe::Read::ended) {
    state_ = State::ended;
  }
}

void ClientStream::write(std::span<const uint8_t> plain) {
  ENSURE(state_ == State::open);
  const int size = static_cast<int>(plain.size());
  if (size > 0 && SSL_write(pipe_.get(), plain.data(), size) != size) {
    fail_by_openssl("cannot encrypt");
  }
}

}  // namespace murder::tls
