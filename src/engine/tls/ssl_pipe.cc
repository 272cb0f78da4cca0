#include "engine/tls/ssl_pipe.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <utility>

#include "engine/base/ensure.h"

namespace murder::tls {
namespace {

constexpr size_t read_bytes = 4096;
constexpr size_t kept_output_bytes = size_t{20} * 1024;

}  // namespace

void SslPipe::Release::operator()(ssl_st* ssl) const {
  // Else OpenSSL makes the ticket of a connection that was simply closed useless.
  SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl);
}

std::optional<SslPipe> SslPipe::create(ssl_ctx_st* context) {
  std::unique_ptr<ssl_st, Release> ssl(SSL_new(context));
  BIO* const input = BIO_new(BIO_s_mem());
  BIO* const output = BIO_new(BIO_s_mem());
  if (ssl == nullptr || input == nullptr || output == nullptr) {
    BIO_free(input);
    BIO_free(output);
    ERR_clear_error();
    return std::nullopt;
  }
  BIO_set_mem_eof_return(input, -1);  // more is to come
  SSL_set_bio(ssl.get(), input, output);
  return SslPipe(std::move(ssl));
}

bool SslPipe::feed(std::span<const uint8_t> bytes) {
  const int size = static_cast<int>(bytes.size());
  return size == 0 || BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), size) == size;
}

SslPipe::Read SslPipe::read(std::vector<uint8_t>& plain) {
  std::array<uint8_t, read_bytes> part;
  ERR_clear_error();
  for (;;) {
    const int size = SSL_read(ssl_.get(), part.data(), static_cast<int>(part.size()));
    if (size > 0) {
      plain.insert(plain.end(), part.begin(), part.begin() + size);
      continue;
    }
    switch (SSL_get_error(ssl_.get(), size)) {
      case SSL_ERROR_WANT_READ:
        return Read::needs_more;
      case SSL_ERROR_ZERO_RETURN:
        return Read::ended;
      default:
        return Read::failed;
    }
  }
}

size_t SslPipe::output_bytes() const {
  return BIO_ctrl_pending(SSL_get_wbio(ssl_.get()));
}

std::string SslPipe::take_output() {
  std::string bytes(output_bytes(), '\0');
  if (!bytes.empty()) {
    const int size = static_cast<int>(bytes.size());
    ENSURE(BIO_read(SSL_get_wbio(ssl_.get()), bytes.data(), size) == size);
  }
  // One that was large once keeps its memory.
  BIO* const smaller = bytes.size() > kept_output_bytes ? BIO_new(BIO_s_mem()) : nullptr;
  if (smaller != nullptr) {
    SSL_set0_wbio(ssl_.get(), smaller);
  }
  return bytes;
}

}  // namespace murder::tls
