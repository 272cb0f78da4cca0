// Who comes to an agreement with whom, and what those are sent who do not.
#include "engine/tls/handshake.h"

#include "openssl_peer.h"

using namespace murder;
using namespace murder::test;
using tls::Role;
using State = tls::Session::State;

TEST_CASE("both sides with one key come to terms, whatever each prefers") {
  for (const bool client_aes : {false, true}) {
    for (const bool server_aes : {false, true}) {
      End client(Role::client, key_of(1), {}, test_context(client_aes));
      End server(Role::server, key_of(1), {}, test_context(server_aes));
      converse(client, server);
      REQUIRE(client.session.state() == State::open);
      REQUIRE(server.session.state() == State::open);
      CHECK(client.session.traffic()->client == server.session.traffic()->client);
      CHECK(client.session.traffic()->server == server.session.traffic()->server);
      CHECK(client.session.traffic()->client != client.session.traffic()->server);
      // AES where both have instructions for it.
      CHECK((client.session.traffic()->suite == tls::Suite::aes_128_gcm) ==
            (client_aes && server_aes));
    }
  }
}

TEST_CASE("it works however small the parts are in which bytes come") {
  End client(Role::client);
  End server(Role::server);
  Bytes to_server = client.take({});
  Bytes to_client;
  while (!to_server.empty() || !to_client.empty()) {
    for (const uint8_t byte : std::exchange(to_server, {})) {
      const Bytes answer = server.take({byte});
      to_client.insert(to_client.end(), answer.begin(), answer.end());
    }
    for (const uint8_t byte : std::exchange(to_client, {})) {
      const Bytes answer = client.take({byte});
      to_server.insert(to_server.end(), answer.begin(), answer.end());
    }
  }
  server.take(client.seal("all there"));
  CHECK(text_of(server.data) == "all there");
}

TEST_CASE("records may follow the last bytes of the handshake at once") {
  End client(Role::client);
  End server(Role::server);
  Bytes last = client.take(server.take(client.take({})));
  const Bytes records = client.seal("at once");
  last.insert(last.end(), records.begin(), records.end());
  CHECK(server.take(last).empty());
  CHECK(text_of(server.data) == "at once");
}

TEST_CASE("no two connections have the same secrets") {
  Pair one;
  Pair other;
  CHECK(one.client.session.traffic()->client != other.client.session.traffic()->client);
}

TEST_CASE("another key is refused by both sides, and the client learns nothing but that") {
  End client(Role::client, key_of(1));
  End server(Role::server, key_of(2));
  CHECK(server.take(client.take({})).empty());
  CHECK(server.session.state() == State::failed);
  CHECK(client.session.state() == State::handshaking);
}

TEST_CASE("a handshake with any byte changed comes to nothing") {
  // What the server sends depends on random numbers, so each run is of its own.
  const size_t size = End(Role::client).take({}).size();
  for (size_t position = 0; position < size; position += 7) {
    End client(Role::client);
    End server(Role::server);
    Bytes hello = client.take({});
    hello[position % hello.size()] ^= 1;
    const Bytes answer = server.take(hello);
    client.take(answer);
    CHECK(client.session.state() != State::open);
    CHECK(server.session.state() != State::open);
  }
  for (size_t position = 0; position < 250; position += 5) {
    End client(Role::client);
    End server(Role::server);
    Bytes answer = server.take(client.take({}));
    answer[position % answer.size()] ^= 1;
    const Bytes last = client.take(answer);
    CHECK(client.session.state() != State::open);
    server.take(last);
    CHECK(server.session.state() != State::open);
  }
}

TEST_CASE("a recorded handshake is of no use in another connection") {
  End client(Role::client);
  End server(Role::server);
  const Bytes hello = client.take({});
  const Bytes last = client.take(server.take(hello));
  const Bytes data = client.seal("data");
  End again(Role::server);
  CHECK(!again.take(hello).empty());
  again.take(last);
  again.take(data);
  CHECK(again.session.state() == State::failed);
  CHECK(again.data.empty());
}

TEST_CASE("what a client sent is no server's answer") {
  End client(Role::client);
  const Bytes hello = client.take({});
  CHECK(client.take(hello).empty());
  CHECK(client.session.state() == State::failed);
}

TEST_CASE("bytes of other protocols are refused and not answered") {
  for (const std::string_view bytes :
       {std::string_view("GET / HTTP/1.1\r\n\r\n"), std::string_view("\x13"
                                                                     "BitTorrent protocol")}) {
    for (const Role role : {Role::client, Role::server}) {
      End end(role);
      end.take({});
      CHECK(end.take(bytes_of(bytes)).empty());
      CHECK(end.session.state() == State::failed);
    }
  }
}

TEST_CASE("a handshake without end is given up") {
  End server(Role::server);
  // A fragment of a client's first message after the other, which says that it is long.
  Bytes bytes = {22, 3, 1, 0, 4, 1, 0, 0x3f, 0xff};
  for (int part = 0; part < 6; ++part) {
    bytes.insert(bytes.end(), {22, 3, 1, 4, 0});
    bytes.resize(bytes.size() + 1024);
  }
  CHECK(server.take(bytes).empty());
  CHECK(server.session.state() == State::failed);
}

TEST_CASE("OpenSSL's own client and server are understood, in both suites") {
  for (const char* suite : {"TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"}) {
    for (const Role role : {Role::client, Role::server}) {
      End ours(role);
      OpensslPeer theirs(role == Role::client ? Role::server : Role::client, {.suites = suite});
      if (role == Role::client) {
        converse(ours, theirs);
      } else {
        converse(theirs, ours);
      }
      REQUIRE(ours.session.state() == State::open);
      REQUIRE(theirs.is_open);
      theirs.take(ours.seal("from us"));
      ours.take(theirs.write("from them"));
      CHECK(text_of(theirs.data) == "from us");
      CHECK(text_of(ours.data) == "from them");
    }
  }
}

TEST_CASE("nothing older than TLS 1.3 is spoken") {
  End server(Role::server);
  OpensslPeer old_client(Role::client, {.version_max = TLS1_2_VERSION, .has_key = false});
  CHECK(server.take(old_client.take({})).empty());
  CHECK(server.session.state() == State::failed);
  End client(Role::client);
  OpensslPeer old_server(
      Role::server, {.version_max = TLS1_2_VERSION, .has_key = false, .has_certificate = true});
  const Bytes answer = old_server.take(client.take({}));
  CHECK(answer.size() == 7);  // an alert: it was not even offered
  client.take(answer);
  CHECK(client.session.state() == State::failed);
}

TEST_CASE("a server with a certificate and without the key is refused") {
  End client(Role::client);
  OpensslPeer server(Role::server, {.has_key = false, .has_certificate = true});
  const Bytes answer = server.take(client.take({}));
  CHECK(answer.size() > 200);  // it did answer
  CHECK(client.take(answer).empty());
  CHECK(client.session.state() == State::failed);
}

TEST_CASE("a client without the key, or with one of another name, is not answered") {
  for (const OpensslOptions& options :
       {OpensslOptions{.has_key = false}, OpensslOptions{.key_fill = 2},
        OpensslOptions{.key_name = "other"}}) {
    End server(Role::server);
    OpensslPeer client(Role::client, options);
    CHECK(server.take(client.take({})).empty());
    CHECK(server.session.state() == State::failed);
  }
}
