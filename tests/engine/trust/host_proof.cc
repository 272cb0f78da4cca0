#include "engine/trust/host_proof.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/trust/key_line.h"
#include "engine/trust/openssl.h"
#include "engine/trust/signature_file.h"
#include "test_keys.h"

using namespace murder;
using namespace murder::trust;
using namespace murder::trust::test;

namespace {

constexpr int64_t made_s = 1795969872;
const std::string space(host_proof_namespace);

const AgentKey& agent() {
  static const AgentKey key = *agent_key_of(Secret{7});
  return key;
}

std::string text_for(const std::string& host) {
  return *encode_host_statement({.host = host, .key = agent().public_key, .time_s = made_s});
}

codec::SignedStatement proof_by(const TestKey& key, const std::string& host = "web7",
                                const std::string& certificate = {}) {
  const std::string text = text_for(host);
  return {.text = text, .signatures = {signature_blob(key, text, certificate, {}, space)}};
}

std::string why(const codec::SignedStatement& proof, const std::string& known_hosts,
                const PublicKey& agent_key = agent().public_key, std::string_view host = "web7") {
  const Status proven = verify_host_proof(proof, *KnownHosts::parse(known_hosts),
                                          {.host = host, .agent_key = &agent_key, .now_s = made_s});
  return proven ? "" : proven.error().text;
}

}  // namespace

TEST_CASE("a host's key of each type proves the agent's key") {
  REQUIRE(start_openssl());
  for (const KeyType type :
       {KeyType::ed25519, KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::ecdsa_p521,
        KeyType::rsa, KeyType::token_ed25519, KeyType::token_ecdsa_p256}) {
    CAPTURE(name_of(type));
    const TestKey key(type);
    const std::string known = "web7 " + key.line() + "\n";
    const codec::SignedStatement proof = proof_by(key);
    CHECK(why(proof, known) == "");
    CHECK(parse_signature_file(encode_signature_file(proof)) == proof);

    const TestKey authority(KeyType::rsa);
    const std::string certificate = encode(
        TestCertificate{.key = &key, .authority = &authority, .principals = {"web7"}, .type = 2});
    CHECK(why(proof_by(key, "web7", certificate), "@cert-authority * " + authority.line()) == "");
    CHECK(why(proof_by(key, "web7", certificate), known) != "");
  }
}

TEST_CASE("a proof is of one host, one agent's key and one purpose") {
  const TestKey key(KeyType::ed25519);
  const TestKey other(KeyType::ed25519);
  const std::string known = "web7,web8 " + key.line() + "\n";
  CHECK(why(proof_by(key, "web8"), known) ==
        "web7 is not proven by its ssh key: what was signed is about web8");
  CHECK(why(proof_by(other), known).find("is not one of web7 in the known hosts") !=
        std::string::npos);
  CHECK(why(proof_by(key), known, agent_key_of(Secret{8})->public_key)
            .find("is about the agent's key SHA256:") != std::string::npos);
  CHECK(why(proof_by(key), "web8 " + key.line()) != "");
  CHECK(why(proof_by(key), "") != "");

  codec::SignedStatement proof = proof_by(key);
  proof.signatures = {signature_blob(key, proof.text, {}, {}, "murder-release")};
  CHECK(why(proof, known).find("a signature for murder-release") != std::string::npos);
  proof = proof_by(key);
  proof.signatures.front().back() = static_cast<char>(proof.signatures.front().back() ^ 1);
  CHECK(why(proof, known).find("not a signature of this text") != std::string::npos);
  proof.signatures.clear();
  CHECK(why(proof, known) == "web7 is not proven by its ssh key: it is not signed");
  // A wrong signature in front of the right one does not make it worthless.
  proof = proof_by(key);
  proof.signatures.insert(proof.signatures.begin(), proof_by(other).signatures.front());
  CHECK(why(proof, known) == "");
}

TEST_CASE("an agent signs by the host's key itself where that is ed25519") {
  const AgentKey host_key = *agent_key_of(Secret{9});
  const Result<codec::SignedStatement> proof =
      sign_host_statement({.host = "web7", .key = agent().public_key, .time_s = made_s}, host_key);
  REQUIRE(proof);
  CHECK(why(*proof, "web7 " + key_line_of(host_key.public_key)) == "");
}

TEST_CASE("a statement of a host has one spelling") {
  const std::string text = text_for("web7");
  REQUIRE(parse_host_statement(text));
  CHECK(parse_host_statement(text)->host == "web7");
  const auto is_read = [&](std::string_view from, std::string_view to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return parse_host_statement(changed).has_value();
  };
  CHECK_FALSE(is_read("murder-agent-key 1", "murder-agent-key 2"));
  CHECK_FALSE(is_read("host web7", "host web 7"));
  CHECK_FALSE(is_read("host web7\n", ""));
  CHECK_FALSE(is_read("\ntime", " comment\ntime"));
  CHECK_FALSE(is_read("key ssh-ed25519", "key  ssh-ed25519"));
  CHECK_FALSE(is_read("12Z\n", "12Z\nx\n"));
  CHECK_FALSE(parse_host_statement(""));
  CHECK_FALSE(encode_host_statement({.host = "a b", .key = agent().public_key, .time_s = 1}));
  CHECK_FALSE(encode_host_statement({.host = "a", .key = agent().public_key, .time_s = -1}));
}
