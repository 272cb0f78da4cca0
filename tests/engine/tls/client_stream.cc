#include "engine/tls/client_stream.h"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <string>

#include "engine/base/types.h"

using namespace murder;
using namespace murder::tls;
using StreamState = ClientStream::State;

namespace {

// A server of OpenSSL with a certificate of its own making, in the test's hands.
class Server {
 public:
  explicit Server(const char* name = "server.example", int version_max = TLS1_3_VERSION) {
    key_ = EVP_EC_gen("P-256");
    certificate_ = X509_new();
    X509_set_version(certificate_, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* const subject = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(certificate_, subject);
    REQUIRE(X509_sign(certificate_, key_, EVP_sha256()) > 0);
    context_ = SSL_CTX_new(TLS_server_method());
    REQUIRE(SSL_CTX_use_certificate(context_, certificate_) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(context_, key_) == 1);
    SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_, version_max);
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(ssl_), -1);
    SSL_set_accept_state(ssl_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }

  [[nodiscard]] std::vector<KeyPin> pins() const {
    KeyPin pin{};
    uint8_t* der = nullptr;
    const int size = i2d_PUBKEY(key_, &der);
    REQUIRE(EVP_Digest(der, static_cast<size_t>(size), pin.data(), nullptr, EVP_sha256(),
                       nullptr) == 1);
    OPENSSL_free(der);
    return {pin};
  }
  // Takes what the client says, answers.
  std::string talk(const std::string& bytes) {
    BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
    if (!SSL_is_init_finished(ssl_)) {
      SSL_do_handshake(ssl_);
    }
    if (SSL_is_init_finished(ssl_)) {
      char part[1000];
      for (int size = 0; (size = SSL_read(ssl_, part, sizeof(part))) > 0;) {
        heard.append(part, static_cast<size_t>(size));
      }
    }
    ERR_clear_error();
    return output();
  }
  std::string say(const std::string& text) {
    REQUIRE(SSL_write(ssl_, text.data(), static_cast<int>(text.size())) ==
            static_cast<int>(text.size()));
    return output();
  }
  std::string end() {
    SSL_shutdown(ssl_);
    return output();
  }

  std::string heard;

 private:
  std::string output() {
    std::string bytes(BIO_ctrl_pending(SSL_get_wbio(ssl_)), '\0');
    BIO_read(SSL_get_wbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }

  EVP_PKEY* key_ = nullptr;
  X509* certificate_ = nullptr;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

struct Client {
  explicit Client(std::vector<KeyPin> pins)
      : stream(std::move(*ClientStream::create("server.example", std::move(pins)))) {}

  // Until both have nothing to say; the server's bytes come in parts.
  void meet(Server& server, size_t part = SIZE_MAX) {
    for (std::string bytes = stream.take_output(); !bytes.empty(); bytes = stream.take_output()) {
      take(server.talk(bytes), part);
    }
  }
  void take(const std::string& bytes, size_t part = SIZE_MAX) {
    for (size_t at = 0; at < bytes.size(); at += std::min(part, bytes.size() - at)) {
      stream.take(as_bytes_of(std::string_view(bytes).substr(at, part)), plain);
    }
  }
  [[nodiscard]] std::string heard() const { return std::string(as_text_of(plain)); }

  ClientStream stream;
  std::vector<uint8_t> plain;
};

}  // namespace

TEST_CASE("a server of a pinned key is heard, by TLS 1.2 and 1.3, in parts of any size") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const size_t part : {size_t{1}, size_t{100}, SIZE_MAX}) {
      Server server("of any name", version);
      Client client(server.pins());
      client.meet(server, part);
      REQUIRE(client.stream.state() == StreamState::open);
      client.stream.write(as_bytes_of("a request"));
      client.take(server.talk(client.stream.take_output()), part);
      CHECK(server.heard == "a request");
      const std::string answer(100'000, 'a');
      client.take(server.say(answer), part);
      CHECK(client.heard() == answer);
      client.take(server.end(), part);
      CHECK(client.stream.state() == StreamState::ended);
    }
  }
}

TEST_CASE("a server of another key, of no authority, or of an old protocol is told nothing") {
  Server server;
  Server other;
  Client by_pin(other.pins());
  by_pin.meet(server);
  CHECK(by_pin.stream.state() == StreamState::failed);
  CHECK(by_pin.stream.error().text.find(pin_text(server.pins().front())) != std::string::npos);
  Server old("server.example", TLS1_1_VERSION);
  Client newer(old.pins());
  newer.meet(old);
  CHECK(newer.stream.state() == StreamState::failed);
  CHECK(newer.stream.error().text.find("the TLS handshake failed") != std::string::npos);
  CHECK((server.heard + other.heard + old.heard).empty());
}

TEST_CASE("bytes that no server of TLS sends, and changed ones, end it with a reason") {
  Server server;
  Client plain(server.pins());
  plain.take("HTTP/1.1 400 Bad Request\r\n\r\n");
  CHECK(plain.stream.state() == StreamState::failed);
  CHECK(!plain.stream.error().text.empty());
  Client client(server.pins());
  client.meet(server);
  REQUIRE(client.stream.state() == StreamState::open);
  std::string said = server.say("an answer");
  said.back() ^= 1;
  client.take(said);
  CHECK(client.stream.state() == StreamState::failed);
  CHECK(client.plain.empty());
  client.take(server.say("more"));  // is not heard any more
  CHECK(client.plain.empty());
}
