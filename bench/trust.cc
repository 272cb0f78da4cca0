// What it costs to prove the fleet's key on a new connection, and the handshakes of TLS: for both
// sides together, and for each (side 0: who dials, side 1: who accepts).
#include <benchmark/benchmark.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/node/link_proof.h"
#include "engine/tls/client_stream.h"
#include "engine/tls/handshake.h"
#include "engine/tls/server_stream.h"
#include "engine/trust/openssl.h"

using namespace murder;

namespace {

trust::SwarmKeys keys_of_swarm() {
  const trust::KeyPair pair{.count = 1};
  return trust::swarm_keys_of(pair, InfoHash{});
}

// The time of one side's steps, for UseManualTime().
class SideTime {
 public:
  explicit SideTime(benchmark::State& state) : state_(state) {}
  // Of this side or of the other.
  template <typename Step>
  auto take(int64_t side, Step&& step) {
    const auto begin = std::chrono::steady_clock::now();
    auto result = step();
    if (side == state_.range(0)) {
      spent_ += std::chrono::steady_clock::now() - begin;
    }
    return result;
  }
  void end_round() {
    state_.SetIterationTime(std::chrono::duration<double>(spent_).count());
    spent_ = {};
  }

 private:
  benchmark::State& state_;
  std::chrono::steady_clock::duration spent_{};
};

// Random numbers of both sides are not made anew: they cost less than a microsecond.
void prove_key(benchmark::State& state) {
  const trust::SwarmKeys keys = keys_of_swarm();
  const codec::Handshake handshake{.info_hash = {}, .peer_id = {}};
  for (auto _ : state) {
    node::LinkProof dialler(keys, node::LinkProof::Role::dialler, trust::Nonce{});
    node::LinkProof acceptor(keys, node::LinkProof::Role::acceptor, trust::Nonce{});
    static_cast<void>(dialler.send(handshake));
    const auto answered = acceptor.take(dialler.hello());
    const auto sealed = dialler.take(*answered.answer);
    ENSURE(acceptor.take(*sealed.sealed).is_right);
    ENSURE(dialler.take(*acceptor.send(handshake)).is_right);
  }
}
BENCHMARK(prove_key);

void prove_key_one_side(benchmark::State& state) {
  const trust::SwarmKeys keys = keys_of_swarm();
  const codec::Handshake handshake{.info_hash = {}, .peer_id = {}};
  SideTime time(state);
  for (auto _ : state) {
    using Role = node::LinkProof::Role;
    auto dialler = time.take(0, [&] { return node::LinkProof(keys, Role::dialler, {}); });
    auto acceptor = time.take(1, [&] { return node::LinkProof(keys, Role::acceptor, {}); });
    const auto hello = time.take(0, [&] {
      static_cast<void>(dialler.send(handshake));
      return dialler.hello();
    });
    const auto answered = time.take(1, [&] { return acceptor.take(hello); });
    const auto sealed = time.take(0, [&] { return dialler.take(*answered.answer); });
    const auto back = time.take(1, [&] {
      ENSURE(acceptor.take(*sealed.sealed).is_right);
      return *acceptor.send(handshake);
    });
    ENSURE(time.take(0, [&] { return dialler.take(back); }).is_right);
    time.end_round();
  }
}
BENCHMARK(prove_key_one_side)->ArgName("side")->Arg(0)->Arg(1)->UseManualTime();

// What a stranger costs who sends a hello of no key.
void refuse_hello(benchmark::State& state) {
  const trust::SwarmKeys keys = keys_of_swarm();
  node::LinkProof dialler(keys, node::LinkProof::Role::dialler, trust::Nonce{});
  trust::Frame hello = dialler.hello();
  hello.back() ^= 1;
  for (auto _ : state) {
    node::LinkProof acceptor(keys, node::LinkProof::Role::acceptor, trust::Nonce{});
    ENSURE(!acceptor.take(hello).is_right);
  }
}
BENCHMARK(refuse_hello);

// --transport tls, behind the proof.
void shake_hands_by_key(benchmark::State& state) {
  ENSURE(trust::start_openssl().has_value());
  const auto context = tls::Context::create(tls::has_fast_aes()).value();
  const trust::Secret key{};
  for (auto _ : state) {
    tls::Handshake client(*context, tls::Role::client, key);
    tls::Handshake server(*context, tls::Role::server, key);
    static_cast<void>(client.take({}));
    while (client.state() == tls::Handshake::State::running ||
           server.state() == tls::Handshake::State::running) {
      static_cast<void>(server.take(client.take_output()));
      static_cast<void>(client.take(server.take_output()));
    }
    ENSURE(server.state() == tls::Handshake::State::done);
  }
}
BENCHMARK(shake_hands_by_key);

void shake_hands_one_side(benchmark::State& state) {
  ENSURE(trust::start_openssl().has_value());
  const auto context = tls::Context::create(tls::has_fast_aes()).value();
  const trust::Secret key{};
  SideTime time(state);
  for (auto _ : state) {
    auto client = time.take(0, [&] {
      auto made = std::make_unique<tls::Handshake>(*context, tls::Role::client, key);
      static_cast<void>(made->take({}));
      return made;
    });
    auto server = time.take(
        1, [&] { return std::make_unique<tls::Handshake>(*context, tls::Role::server, key); });
    while (client->state() == tls::Handshake::State::running ||
           server->state() == tls::Handshake::State::running) {
      const auto from_client = time.take(0, [&] { return client->take_output(); });
      const auto from_server = time.take(1, [&] {
        static_cast<void>(server->take(from_client));
        return server->take_output();
      });
      static_cast<void>(time.take(0, [&] { return client->take(from_server); }));
    }
    ENSURE(server->state() == tls::Handshake::State::done);
    static_cast<void>(time.take(0, [&] { return std::exchange(client, nullptr) != nullptr; }));
    static_cast<void>(time.take(1, [&] { return std::exchange(server, nullptr) != nullptr; }));
    time.end_round();
  }
}
BENCHMARK(shake_hands_one_side)->ArgName("side")->Arg(0)->Arg(1)->UseManualTime();

std::string text_of(BIO* bio) {
  std::string text(BIO_ctrl_pending(bio), ' ');
  BIO_read(bio, text.data(), static_cast<int>(text.size()));
  return text;
}

tls::ServerContext make_server(EVP_PKEY* key) {
  X509* const made = X509_new();
  X509_set_version(made, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(made), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made), 3600);
  X509_set_pubkey(made, key);
  ENSURE(X509_sign(made, key, EVP_sha256()) > 0);
  BIO* const text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(text, made);
  const std::string certificate = text_of(text);
  PEM_write_bio_PrivateKey(text, key, nullptr, nullptr, 0, nullptr, nullptr);
  const std::string private_key = text_of(text);
  BIO_free(text);
  X509_free(made);
  EVP_PKEY_free(key);
  return tls::ServerContext::create(certificate, private_key).value();
}

// One announce of a tracker by https: the handshake, a request, an answer.
void ask_once(benchmark::State& state, const tls::ServerContext& context, bool resumes) {
  std::vector<uint8_t> heard;
  std::vector<uint8_t> told;
  const std::string answer(500, 'a');
  uint64_t number = 0;
  for (auto _ : state) {
    // Tickets are of a name.
    const std::string host = "t" + std::to_string(resumes ? 0 : ++number);
    tls::ClientStream client = *tls::ClientStream::create(host, {context.pin()});
    tls::ServerStream server = *tls::ServerStream::create(context);
    while (client.state() == tls::ClientStream::State::handshaking) {
      server.take(as_bytes_of(client.take_output()), heard);
      client.take(as_bytes_of(server.take_output()), told);
    }
    heard.clear();
    client.write(as_bytes_of("GET /announce HTTP/1.1\r\n\r\n"));
    server.take(as_bytes_of(client.take_output()), heard);
    server.write(as_bytes_of(answer));
    told.clear();
    client.take(as_bytes_of(server.take_output()), told);
    ENSURE(!heard.empty() && told.size() == answer.size());
  }
}

void ask_once_ecdsa(benchmark::State& state) {
  ENSURE(trust::start_openssl().has_value());
  ask_once(state, make_server(EVP_EC_gen("P-256")), state.range(0) != 0);
}
BENCHMARK(ask_once_ecdsa)->ArgName("resumed")->Arg(0)->Arg(1);

void ask_once_rsa_2048(benchmark::State& state) {
  ENSURE(trust::start_openssl().has_value());
  ask_once(state, make_server(EVP_RSA_gen(2048)), state.range(0) != 0);
}
BENCHMARK(ask_once_rsa_2048)->ArgName("resumed")->Arg(0)->Arg(1);

}  // namespace

BENCHMARK_MAIN();
