#include "engine/trust/agent_key.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/trust/base64.h"
#include "engine/trust/key_line.h"
#include "engine/trust/ssh_signature.h"
#include "test_keys.h"

using namespace murder;
using namespace murder::trust;

namespace {

// What ssh-keygen wrote: a key, and its signature of "hello\n" for murder-agent.
constexpr std::string_view file_of_ssh_keygen =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
    "QyNTUxOQAAACB6W9F6OHzm/9huSqj4vB7PeWANMjqlk3S4Au/tFH0FbgAAAJD3jfMg943z\n"
    "IAAAAAtzc2gtZWQyNTUxOQAAACB6W9F6OHzm/9huSqj4vB7PeWANMjqlk3S4Au/tFH0Fbg\n"
    "AAAEByFN/6xCVzSYy/vYHRhELI5932YaFWQlGQ7kTubUYRlnpb0Xo4fOb/2G5KqPi8Hs95\n"
    "YA0yOqWTdLgC7+0UfQVuAAAACndlYjcgYWdlbnQBAgM=\n"
    "-----END OPENSSH PRIVATE KEY-----\n";
constexpr std::string_view line_of_ssh_keygen =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHpb0Xo4fOb/2G5KqPi8Hs95YA0yOqWTdLgC7+0UfQVu";
constexpr std::string_view signature_of_ssh_keygen =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgelvRejh85v/Ybkqo+Lwez3lgDT\n"
    "I6pZN0uALv7RR9BW4AAAAMbXVyZGVyLWFnZW50AAAAAAAAAAZzaGE1MTIAAABTAAAAC3Nz\n"
    "aC1lZDI1NTE5AAAAQNSXfrz/XWOMDPjMyugM3iYwgnpl/3kzaAO/652je/aiJOLwX5/kiw\n"
    "DmBVjiKDeVn3WFpYEFhbxHsGzc3llzlQQ=\n"
    "-----END SSH SIGNATURE-----\n";

AgentKey key_of(uint8_t fill) {
  Secret seed{};
  seed.fill(fill);
  return *agent_key_of(seed);
}

AgentProof proof() {
  return {.nonce = std::string(64, 'a'), .coordinator = "c1:8998", .host = "web7", .session = 9};
}

std::string refusal(const SignedHello& hello, const AgentProof& asked) {
  const Result<PublicKey> key = verify_hello(hello, asked);
  return key ? "" : key.error().text;
}

std::string file_refusal(std::string text, std::string_view from, std::string_view to) {
  REQUIRE(text.find(from) != std::string::npos);
  text.replace(text.find(from), from.size(), to);
  const Result<AgentKey> key = parse_private_key(text);
  return key ? "" : key.error().text;
}

}  // namespace

TEST_CASE("a key of ssh-keygen is read, signs as ssh-keygen does, and is shown as it shows it") {
  const Result<AgentKey> key = parse_private_key(file_of_ssh_keygen);
  REQUIRE(key);
  CHECK(key_line_of(key->public_key) == line_of_ssh_keygen);
  CHECK(fingerprint_of(key->public_key) == "SHA256:slnA1g9/dEsKqMXPwq4WvUOX/DXUTbCXnP6c8WXVXQs");
  CHECK(add_armour(*sign_text(*key, "murder-agent", "hello\n")) == signature_of_ssh_keygen);
}

TEST_CASE("a key is written so that it is read again, and differs with its seed") {
  const AgentKey key = key_of(1);
  const std::string text = encode_private_key(key, "web7");
  const Result<AgentKey> again = parse_private_key(text);
  REQUIRE(again);
  CHECK(again->seed == key.seed);
  CHECK(again->public_key == key.public_key);
  CHECK_FALSE(key_of(2).public_key == key.public_key);
  // RFC 8032, section 7.1, test 1.
  const std::string seed = *decode_base64("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
  Secret secret{};
  std::copy(seed.begin(), seed.end(), secret.begin());
  CHECK(encode_base64(agent_key_of(secret)->public_key.point) ==
        "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
}

TEST_CASE("a file that is not such a key is refused, and its text is not repeated") {
  const std::string whole(file_of_ssh_keygen);
  CHECK(file_refusal(whole, "YA0yOqWTdLgC7+0UfQVuAAAACnd", "YA0yOqWTdLgC7+0UfQVvAAAACnd") ==
        "a private key that does not belong to its public key");
  CHECK(file_refusal(whole, "bm9uZQ", "bm9uZA") != "");
  CHECK(file_refusal(whole, "QBAgM=", "QBAgQ=") == "a private key that is damaged");
  CHECK(file_refusal(whole, "-----END", "-----END X") ==
        "a private key that is not in OpenSSH's "
        "format");
  for (size_t size = 0; size + 1 < whole.size(); size += 7) {
    const Result<AgentKey> cut = parse_private_key(whole.substr(0, size));
    REQUIRE_FALSE(cut);
    CHECK(cut.error().text.find("b3Blb") == std::string::npos);
  }
  CHECK_FALSE(parse_private_key(whole + std::string(20'000, '\n')));
}

TEST_CASE("a hello proves its key, for one nonce, coordinator, host and session") {
  const AgentKey key = key_of(1);
  const Result<SignedHello> hello = sign_hello(key, proof());
  REQUIRE(hello);
  const Result<PublicKey> proven = verify_hello(*hello, proof());
  REQUIRE(proven);
  CHECK(*proven == key.public_key);

  const std::string unproven = "the agent's key is not proven: ";
  std::vector<AgentProof> others(4, proof());
  others[0].nonce.back() = 'b';
  others[1].coordinator = "c2:8998";
  others[2].host = "web8";
  others[3].session = 10;
  for (const AgentProof& other : others) {
    CHECK(refusal(*hello, other) == unproven + "it is not a signature of this text by that key");
  }
}

TEST_CASE("a hello with another's key, of another namespace or type, or damaged, proves nothing") {
  const AgentKey key = key_of(1);
  const SignedHello hello = *sign_hello(key, proof());
  const std::string text = *agent_proof_text(proof());

  SignedHello other = hello;
  other.key = key_line_of(key_of(2).public_key);
  CHECK(refusal(other, proof()).find("of another key") != std::string::npos);
  other = hello;
  other.signature = encode_base64(*sign_text(key, "murder-outcome", text));
  CHECK(refusal(other, proof()).find("not for murder-agent") != std::string::npos);
  other = hello;
  other.signature = "AAAA=";
  CHECK(refusal(other, proof()).find("not base64") != std::string::npos);
  other.signature = "AAAA";
  CHECK(refusal(other, proof()) != "");
  other = hello;
  other.key = "ssh-ed25519";
  CHECK(refusal(other, proof()) != "");

  const test::TestKey ecdsa(KeyType::ecdsa_p256);
  other.key = ecdsa.line();
  other.signature =
      encode_base64(test::signature_blob(ecdsa, text, {}, {}, std::string(agent_namespace)));
  CHECK(refusal(other, proof()).find("it is of type ecdsa-sha2-nistp256") != std::string::npos);
}

TEST_CASE("what would make a proof ambiguous cannot be signed") {
  std::vector<AgentProof> wrong(7, proof());
  wrong[0].nonce.pop_back();
  wrong[1].nonce.back() = 'G';
  wrong[2].host = "";
  wrong[3].host = "web7\nsession 1";
  wrong[4].coordinator = "c1 c2";
  wrong[5].coordinator = std::string(254, 'c');
  wrong[6].host = "w\xc3\xa4rm";
  for (const AgentProof& each : wrong) {
    CHECK_FALSE(sign_hello(key_of(1), each));
    CHECK(refusal(*sign_hello(key_of(1), proof()), each) != "");
  }
}

TEST_CASE("lines of keys are read with blanks and comments, and no further") {
  const Result<PublicKey> key = parse_key_line(std::string(line_of_ssh_keygen) + "\tann lee ");
  REQUIRE(key);
  CHECK(key_line_of(*key) == line_of_ssh_keygen);
  CHECK_FALSE(parse_key_line(""));
  CHECK_FALSE(parse_key_line("ssh-rsa " + std::string(line_of_ssh_keygen.substr(12))));
  CHECK_FALSE(parse_key_line("restrict " + std::string(line_of_ssh_keygen)));
  CHECK_FALSE(parse_key_line(std::string(line_of_ssh_keygen) + "\nx"));
  CHECK_FALSE(parse_key_line(std::string(line_of_ssh_keygen) + std::string(9000, ' ')));
}
