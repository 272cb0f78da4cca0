// What passes in an open connection, and what ends it.
#include "engine/tls/session.h"

#include "openssl_peer.h"

using namespace murder;
using namespace murder::test;
using tls::Role;
using State = tls::Session::State;

TEST_CASE("data passes both ways, in records of 16 KiB") {
  Pair pair;
  const std::string long_text(100'000, 'l');
  const Bytes records = pair.client.seal(long_text);
  CHECK(records.size() == long_text.size() + 7 * limits::tls_overhead_bytes);
  CHECK(pair.server.take(records).empty());
  CHECK(text_of(pair.server.data) == long_text);
  pair.client.take(pair.server.seal("short"));
  CHECK(text_of(pair.client.data) == "short");
}

TEST_CASE("what is sealed is as much as there is room for") {
  Pair pair;
  Bytes plain(40'000);
  const iovec segment{plain.data(), plain.size()};
  for (const size_t room : {size_t{0}, size_t{22}, size_t{23}, size_t{16406}, size_t{16428}}) {
    Bytes out(room);
    const auto sealed = pair.client.session.seal(tls::Segments({&segment, 1}), out);
    CHECK(sealed.out_bytes <= room);
    CHECK(sealed.plain_bytes == (room < 23 ? 0 : std::min(room - 22, size_t{16384})));
  }
}

TEST_CASE("records that were changed, cut out, sent again or moved end the connection") {
  const std::string text(20, 't');
  for (const int attack : {0, 1, 2, 3, 4}) {
    CAPTURE(attack);
    Pair pair;
    Bytes first = pair.client.seal("1" + text);
    const Bytes second = pair.client.seal("2" + text);
    Bytes sent = first;
    switch (attack) {
      case 0:
        sent[10] ^= 1;
        break;
      case 1:
        sent = second;
        break;
      case 2:
        sent.insert(sent.end(), first.begin(), first.end());
        break;
      case 3:
        sent = second;
        sent.insert(sent.end(), first.begin(), first.end());
        break;
      case 4:
        sent.pop_back();
        sent.insert(sent.end(), second.begin(), second.end());
        break;
      default:
        break;
    }
    pair.server.take(sent);
    CHECK(pair.server.session.state() == State::failed);
    CHECK(text_of(pair.server.data) == (attack == 2 ? "1" + text : ""));
    CHECK(pair.server.seal("no more").empty());
  }
}

TEST_CASE("what a side sealed itself is not taken from the other") {
  Pair pair;
  const Bytes own = pair.client.seal("own");
  pair.client.take(own);
  CHECK(pair.client.session.state() == State::failed);
  CHECK(pair.client.data.empty());
}

TEST_CASE("bytes that are no record end the connection at their first five") {
  Pair pair;
  pair.server.take(
      bytes_of("\x13"
               "Bit"));
  CHECK(pair.server.session.state() == State::open);
  pair.server.take(bytes_of("T"));
  CHECK(pair.server.session.state() == State::failed);
}

TEST_CASE("the end that a side announces is told from a cut") {
  Pair pair;
  Bytes last = pair.client.seal("last");
  const Bytes end = pair.client.seal_end();
  last.insert(last.end(), end.begin(), end.end());
  pair.server.take(last);
  CHECK(text_of(pair.server.data) == "last");
  CHECK(pair.server.session.state() == State::ended);
  CHECK(pair.client.seal("more").empty());
  CHECK(pair.client.seal_end().empty());
}

TEST_CASE("keys are changed after so many bytes, on both sides, and all arrives") {
  Pair pair({.rekey_bytes = 50'000});
  std::string expected;
  size_t overhead = 0;
  for (int round = 0; round < 20; ++round) {
    const std::string text(30'000, static_cast<char>('a' + round));
    const Bytes records = pair.client.seal(text);
    overhead += records.size() - text.size();
    expected += text;
    pair.server.take(records);
    pair.client.take(pair.server.seal("x"));
  }
  CHECK(text_of(pair.server.data) == expected);
  CHECK(overhead > 40 * limits::tls_overhead_bytes);  // KeyUpdates were among them
  CHECK(text_of(pair.client.data) == std::string(20, 'x'));
}

TEST_CASE("OpenSSL follows our changes of keys, and we follow its") {
  for (const Role role : {Role::client, Role::server}) {
    End ours(role, key_of(1), {.rekey_bytes = 1000});
    OpensslPeer theirs(role == Role::client ? Role::server : Role::client, {});
    if (role == Role::client) {
      converse(ours, theirs);
    } else {
      converse(theirs, ours);
    }
    std::string expected;
    for (int round = 0; round < 10; ++round) {
      const std::string text(700, static_cast<char>('a' + round));
      expected += text;
      theirs.take(ours.seal(text));
      ours.take(theirs.update_key(false));
      ours.take(theirs.write("y"));
      const Bytes answer = ours.take(theirs.update_key(true));
      CHECK(answer.size() == 5 + limits::tls_overhead_bytes);  // a change of our key
      theirs.take(answer);
      ours.take(theirs.write("z"));
    }
    CHECK(text_of(theirs.data) == expected);
    CHECK(text_of(ours.data) == "yzyzyzyzyzyzyzyzyzyz");
    theirs.take(ours.seal_end());
    CHECK(theirs.is_closed);
    ours.take(theirs.close());
    CHECK(ours.session.state() == State::ended);
  }
}

TEST_CASE("tickets of a server by another hand are passed over") {
  End client(Role::client);
  OpensslPeer server(Role::server, {.tickets = 2});
  converse(client, server);
  REQUIRE(client.session.state() == State::open);
  client.take(server.write("data"));
  CHECK(text_of(client.data) == "data");
}

TEST_CASE("changes of keys without data in between are borne for a while only") {
  End client(Role::client);
  OpensslPeer server(Role::server, {});
  converse(client, server);
  for (uint32_t count = 0; count < limits::tls_idle_records_max; ++count) {
    client.take(server.update_key(false));
  }
  CHECK(client.session.state() == State::open);
  client.take(server.update_key(false));
  CHECK(client.session.state() == State::failed);
}

TEST_CASE("a change of keys is alone in its record, says what is known, and a message is short") {
  const auto state_after = [](const Bytes& message) {
    Pair pair;
    const auto& traffic = pair.client.session.traffic();
    REQUIRE(traffic);
    auto sealer = tls::RecordCipher::create(traffic->suite, tls::RecordCipher::Direction::seals,
                                            traffic->client);
    REQUIRE(sealer);
    Bytes plain = message;
    const iovec segment{plain.data(), plain.size()};
    tls::Segments segments({&segment, 1});
    Bytes record(plain.size() + limits::tls_overhead_bytes);
    REQUIRE(sealer->seal(tls::ContentType::handshake, segments, plain.size(), record) ==
            record.size());
    pair.server.take(record);
    return pair.server.session.state();
  };
  const Bytes update = {24, 0, 0, 1, 0};
  CHECK(state_after(update) == State::open);
  CHECK(state_after({24, 0, 0, 1, 1}) == State::open);
  CHECK(state_after({24, 0, 0, 1, 2}) == State::failed);
  CHECK(state_after({24, 0, 0, 2, 0, 0}) == State::failed);
  CHECK(state_after({24, 0, 0, 1}) == State::failed);
  Bytes with_more = update;  // and a ticket, which is passed over by itself
  with_more.insert(with_more.end(), {4, 0, 0, 0});
  CHECK(state_after({4, 0, 0, 0}) == State::open);
  CHECK(state_after(with_more) == State::failed);
  Bytes ticket(2048, 0);
  ticket[0] = 4;
  ticket[2] = 2044 >> 8;
  ticket[3] = 2044 & 0xff;
  CHECK(state_after(ticket) == State::open);
  ticket.push_back(0);
  ticket[3] = 2045 & 0xff;
  CHECK(state_after(ticket) == State::failed);
}
