#include "engine/tls/server_stream.h"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <string>

#include "engine/base/types.h"
#include "engine/tls/bounds.h"
#include "engine/tls/client_stream.h"
#include "engine/trust/openssl.h"

using namespace murder;
using namespace murder::tls;
using ServerState = ServerStream::State;

namespace {

// A certificate with its key, made for the test, as PEM texts.
struct MadeCertificate {
  explicit MadeCertificate(long lasts_s = 3600, bool is_rsa = false) {
    REQUIRE(trust::start_openssl());
    EVP_PKEY* const pair = is_rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509* const made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made), lasts_s);
    X509_set_pubkey(made, pair);
    X509_set_issuer_name(made, X509_get_subject_name(made));
    REQUIRE(X509_sign(made, pair, EVP_sha256()) > 0);
    BIO* const text = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(text, made);
    certificate = taken(text);
    PEM_write_bio_PrivateKey(text, pair, nullptr, nullptr, 0, nullptr, nullptr);
    key = taken(text);
    BIO_free(text);
    X509_free(made);
    EVP_PKEY_free(pair);
  }
  static std::string taken(BIO* bio) {
    std::string text(BIO_ctrl_pending(bio), ' ');
    BIO_read(bio, text.data(), static_cast<int>(text.size()));
    return text;
  }
  [[nodiscard]] ServerContext context() const {
    Result<ServerContext> made = ServerContext::create(certificate, key);
    REQUIRE(made);
    return std::move(*made);
  }

  std::string certificate;
  std::string key;
};

// A connection of both, in parts of any size.
struct Meeting {
  explicit Meeting(const ServerContext& context)
      : client(std::move(*ClientStream::create("t1", {context.pin()}))),
        server(std::move(*ServerStream::create(context))) {}

  void talk(size_t part = SIZE_MAX) {
    for (bool moves = true; moves;) {
      const std::string there = client.take_output();
      for (size_t at = 0; at < there.size(); at += std::min(part, there.size() - at)) {
        server.take(as_bytes_of(std::string_view(there).substr(at, part)), heard);
      }
      const std::string back = server.take_output();
      client.take(as_bytes_of(back), told);
      moves = !there.empty() || !back.empty();
    }
  }

  ClientStream client;
  ServerStream server;
  std::vector<uint8_t> heard;  // by the server
  std::vector<uint8_t> told;   // to the client
};

// A client by another hand, of TLS 1.2 at most, whatever it trusts.
struct OldClient {
  explicit OldClient(const char* suites, SSL_SESSION* session = nullptr)
      : context(SSL_CTX_new(TLS_client_method())), ssl(SSL_new(context)) {
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    REQUIRE(SSL_set_cipher_list(ssl, suites) == 1);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    if (session != nullptr) {
      SSL_set_session(ssl, session);
    }
  }
  OldClient(const OldClient&) = delete;
  OldClient& operator=(const OldClient&) = delete;
  ~OldClient() {
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // else its session is none
    SSL_free(ssl);
    SSL_CTX_free(context);
  }

  // Whether both are done.
  bool meets(const ServerContext& server_context) {
    ServerStream server = std::move(*ServerStream::create(server_context));
    std::vector<uint8_t> heard;
    int result = 0;
    for (int turn = 0; turn < 10 && result != 1 && !server.is_over(); ++turn) {
      result = SSL_do_handshake(ssl);
      server.take(as_bytes_of(MadeCertificate::taken(SSL_get_wbio(ssl))), heard);
      const std::string back = server.take_output();
      BIO_write(SSL_get_rbio(ssl), back.data(), static_cast<int>(back.size()));
    }
    ERR_clear_error();
    return result == 1 && server.state() == ServerState::open;
  }

  SSL_CTX* context;
  SSL* ssl;
};

}  // namespace

TEST_CASE("a client of TLS 1.2 is served by keys of that connection alone, and gets no ticket") {
  for (const bool is_rsa : {false, true}) {
    const ServerContext context = MadeCertificate(3600, is_rsa).context();
    OldClient client("DEFAULT");
    REQUIRE(client.meets(context));
    CHECK(SSL_version(client.ssl) == TLS1_2_VERSION);
    SSL_SESSION* const session = SSL_get1_session(client.ssl);
    CHECK(SSL_SESSION_has_ticket(session) == 0);
    OldClient again("DEFAULT", session);
    CHECK(again.meets(context));
    CHECK(SSL_session_reused(again.ssl) == 0);
    SSL_SESSION_free(session);
  }
  // By the server's key itself.
  OldClient without_exchange("kRSA");
  CHECK_FALSE(without_exchange.meets(MadeCertificate(3600, true).context()));
}

TEST_CASE("a client that pins the key is served, in parts of any size") {
  const ServerContext context = MadeCertificate().context();
  for (const size_t part : {size_t{1}, size_t{100}, SIZE_MAX}) {
    Meeting meeting(context);
    meeting.talk(part);
    REQUIRE(meeting.server.state() == ServerState::open);
    REQUIRE(meeting.client.state() == ClientStream::State::open);
    meeting.client.write(as_bytes_of("a request"));
    meeting.talk(part);
    CHECK(as_text_of(meeting.heard) == "a request");
    meeting.server.write(as_bytes_of(std::string(100'000, 'a')));
    meeting.server.end();
    meeting.talk(part);
    CHECK(meeting.told.size() == 100'000);
    CHECK(meeting.client.state() == ClientStream::State::ended);
    CHECK(meeting.server.state() == ServerState::open);
    CHECK(meeting.server.output_bytes() == 0);
  }
}

TEST_CASE("a client that comes again needs no whole handshake, but not to another server") {
  const auto ask = [](const ServerContext& context) {
    Meeting meeting(context);
    meeting.talk();
    REQUIRE(meeting.client.state() == ClientStream::State::open);
    meeting.server.write(as_bytes_of("an answer"));
    meeting.talk();
    CHECK(as_text_of(meeting.told) == "an answer");
    return meeting.client.is_resumed();
  };
  const MadeCertificate made;
  const ServerContext context = made.context();
  CHECK_FALSE(ask(context));
  CHECK(ask(context));
  CHECK(ask(context));
  CHECK_FALSE(ask(made.context()));               // it was started again
  CHECK_FALSE(ask(MadeCertificate().context()));  // other pins
  const ServerContext ended = MadeCertificate(-60).context();
  CHECK_FALSE(ask(ended));
  CHECK_FALSE(ask(ended));  // of a pinned key that is served on, with a whole handshake
}

TEST_CASE("what is no handshake ends it, with an alert at most") {
  const ServerContext context = MadeCertificate().context();
  std::vector<uint8_t> plain;
  Meeting meeting(context);
  std::string hello = meeting.client.take_output();
  CHECK(begins_handshake(static_cast<uint8_t>(hello.front())));
  hello[20] ^= 1;  // its random number: the rest does not fit
  meeting.server.take(as_bytes_of(hello), plain);
  meeting.client.take(as_bytes_of(meeting.server.take_output()), plain);
  CHECK(meeting.client.state() == ClientStream::State::failed);

  Meeting other(context);
  other.server.take(as_bytes_of("\x16\x03\x01 GET / HTTP/1.1"), plain);
  CHECK(other.server.state() == ServerState::handshaking);  // a record that is not whole
  const std::string rest(limits::tls_client_hello_bytes_max + 1, 'x');
  other.server.take(as_bytes_of(rest), plain);
  CHECK(other.server.state() == ServerState::failed);
  CHECK(other.server.output_bytes() < 100);
  other.server.take(as_bytes_of(hello), plain);
  CHECK(other.server.is_over());
  CHECK(plain.empty());
}

TEST_CASE("a hello that has no end is given up, in however many records it comes") {
  ServerStream server = std::move(*ServerStream::create(MadeCertificate().context()));
  std::vector<uint8_t> plain;
  // Records of 1,000 bytes, of a hello that says it has 65,535.
  std::string body = std::string("\x01\x00\xff\xff\x03\x03", 6) + std::string(994, '\0');
  size_t sent = 0;
  while (server.state() == ServerState::handshaking && sent < 65'000) {
    const std::string record = std::string("\x16\x03\x01\x03\xe8", 5) + body;
    server.take(as_bytes_of(record), plain);
    sent += record.size();
    body = std::string(1000, '\0');
  }
  CHECK(server.state() == ServerState::failed);
  CHECK(sent <= limits::tls_client_hello_bytes_max + 1005);
  CHECK(sent > limits::tls_client_hello_bytes_max);
}

TEST_CASE("a record that was changed on its way ends it") {
  Meeting meeting(MadeCertificate().context());
  meeting.talk();
  meeting.client.write(as_bytes_of("a request"));
  std::string bytes = meeting.client.take_output();
  bytes.back() ^= 1;
  meeting.server.take(as_bytes_of(bytes), meeting.heard);
  CHECK(meeting.server.state() == ServerState::failed);
  CHECK(meeting.heard.empty());
}

TEST_CASE("a connection keeps the certificate it began with") {
  const MadeCertificate first;
  ServerContext context = first.context();
  const KeyPin pin = context.pin();
  const ServerContext copy = context;
  Meeting meeting(context);
  context = MadeCertificate().context();
  CHECK(context.pin() != pin);
  CHECK(copy.pin() == pin);
  meeting.talk();
  CHECK(meeting.client.state() == ClientStream::State::open);
}

TEST_CASE("certificates and keys that cannot be served are refused, with the reason") {
  const MadeCertificate made;
  const MadeCertificate other;
  const auto why = [](const std::string& certificate, const std::string& key) {
    const auto refused = ServerContext::create(certificate, key);
    return refused ? std::string() : refused.error().text;
  };
  CHECK(why(made.certificate, made.key).empty());
  CHECK(why(made.certificate + other.certificate, made.key).empty());  // with one behind it
  CHECK(why(made.certificate, other.key).find("not that of the certificate") != std::string::npos);
  CHECK(why(made.key, made.key).find("the certificate is not in PEM") != std::string::npos);
  CHECK(why(made.certificate, made.certificate).find("the key is not in PEM") != std::string::npos);
  CHECK(why("", "").find("the certificate is not in PEM") != std::string::npos);
  CHECK(why(made.certificate, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n").find("passphrase") !=
        std::string::npos);
  const ServerContext ended = MadeCertificate(-60).context();
  CHECK(ended.expires_s() < made.context().expires_s());
  CHECK(ERR_peek_error() == 0);
}
