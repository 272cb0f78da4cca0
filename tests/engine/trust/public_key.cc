#include "engine/trust/public_key.h"

#include <doctest/doctest.h>

#include "engine/trust/base64.h"
#include "test_keys.h"

using namespace murder;
using namespace murder::trust;
using namespace murder::trust::test;

namespace {

constexpr KeyType all_types[] = {
    KeyType::ed25519, KeyType::ecdsa_p256,    KeyType::ecdsa_p384,      KeyType::ecdsa_p521,
    KeyType::rsa,     KeyType::token_ed25519, KeyType::token_ecdsa_p256};

const std::string& message() {
  static const std::string text = "what is signed";
  return text;
}

// The algorithm's name, and what stands behind it.
std::string renamed(const std::string& signature, std::string_view name) {
  WireReader reader(signature);
  REQUIRE(reader.string());
  std::string text;
  append_string(text, name);
  return text + std::string(reader.rest());
}

}  // namespace

TEST_CASE("a key of each type is read, and verifies what it signed and nothing else") {
  REQUIRE(start_openssl());
  for (const KeyType type : all_types) {
    CAPTURE(name_of(type));
    const TestKey made(type);
    const TestKey other(type);
    const Result<PublicKey> key = parse_public_key(made.blob());
    REQUIRE(key);
    CHECK(key->type == type);
    CHECK(key->blob == made.blob());
    CHECK(fingerprint_of(*key).size() == 50);
    const std::string signature = made.sign(message());
    CHECK(verify_signature(*key, signature, message()));
    CHECK_FALSE(verify_signature(*key, signature, message() + "!"));
    CHECK_FALSE(verify_signature(*key, other.sign(message()), message()));
    // Bytes behind it, and each byte changed, cut off.
    CHECK_FALSE(verify_signature(*key, signature + '\0', message()));
    for (size_t index = 0; index < signature.size(); ++index) {
      std::string changed = signature;
      changed[index] = static_cast<char>(changed[index] ^ 1);
      CHECK_FALSE(verify_signature(*key, changed, message()));
      CHECK_FALSE(verify_signature(*key, signature.substr(0, index), message()));
    }
    for (const KeyType named : all_types) {
      if (named != type) {
        CHECK_FALSE(verify_signature(*key, renamed(signature, name_of(named)), message()));
      }
    }
  }
}

TEST_CASE("two numbers are a signature of a curve, and nothing is behind them") {
  REQUIRE(start_openssl());
  const TestKey made(KeyType::ecdsa_p256);
  const Result<PublicKey> key = parse_public_key(made.blob());
  REQUIRE(key);
  const std::string signature = made.sign(message());
  WireReader reader(signature);
  const std::string algorithm(*reader.string());
  const std::string numbers(*reader.string());
  const auto with_numbers = [&](const std::string& others) {
    std::string text;
    append_string(text, algorithm);
    append_string(text, others);
    return text;
  };
  CHECK(verify_signature(*key, with_numbers(numbers), message()));
  CHECK_FALSE(verify_signature(*key, with_numbers(numbers + '\0'), message()));
  CHECK_FALSE(verify_signature(*key, with_numbers(numbers + numbers), message()));
  CHECK_FALSE(verify_signature(*key, with_numbers(std::string(8, '\0')), message()));
}

TEST_CASE("a fingerprint is that of ssh-keygen") {
  const Result<PublicKey> key = parse_public_key(
      *decode_base64("AAAAC3NzaC1lZDI1NTE5AAAAIJKxoLBJBivUPNTUJUSslQTt2hDjozKvHarKeN8uYFqg"));
  REQUIRE(key);
  CHECK(fingerprint_of(*key) == "SHA256:xPSZQR8Y1TLTKbiW9qOO7+t4GJYkzye6L6jipqTN5+k");
}

TEST_CASE("what is cut off or has something behind it is no key") {
  for (const KeyType type : all_types) {
    const std::string blob = TestKey(type).blob();
    CHECK_FALSE(parse_public_key(blob + '\0'));
    for (size_t size = 0; size < blob.size(); ++size) {
      CHECK_FALSE(parse_public_key(blob.substr(0, size)));
    }
  }
  const Result<PublicKey> unknown = parse_public_key(std::string("\0\0\0\7ssh-dss", 11));
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().text == "keys of type ssh-dss are not supported");
}

TEST_CASE("a curve's key names its curve, and its point lies on it") {
  REQUIRE(start_openssl());
  const TestKey made(KeyType::ecdsa_p256);
  std::string other_curve = made.blob();
  other_curve.replace(other_curve.find("nistp256", 24), 8, "nistp384");
  CHECK_FALSE(parse_public_key(other_curve));
  std::string compressed = made.blob();
  compressed[compressed.size() - 65] = 2;
  CHECK_FALSE(parse_public_key(compressed));
  std::string off_curve = made.blob();
  off_curve.back() = static_cast<char>(off_curve.back() ^ 1);
  const Result<PublicKey> key = parse_public_key(off_curve);
  REQUIRE(key);
  CHECK_FALSE(verify_signature(*key, made.sign(message()), message()));
}

TEST_CASE("an RSA key has 2048 bits or more, one spelling, and signs by SHA-2") {
  REQUIRE(start_openssl());
  const Result<PublicKey> small = parse_public_key(TestKey(KeyType::rsa, 1024).blob());
  REQUIRE_FALSE(small);
  CHECK(small.error().text == "a key of type ssh-rsa of 1024 bits: 2048 to 16384 are accepted");
  const TestKey made(KeyType::rsa);
  const Result<PublicKey> key = parse_public_key(made.blob());
  REQUIRE(key);
  CHECK(verify_signature(*key, made.sign(message(), {}, "rsa-sha2-256"), message()));
  const Status old = verify_signature(*key, made.sign(message(), {}, "ssh-rsa"), message());
  REQUIRE_FALSE(old);
  CHECK(old.error().text == "its algorithm ssh-rsa is not one of a key of type ssh-rsa");
  // SHA-512's under the name of SHA-256's.
  CHECK_FALSE(verify_signature(*key, renamed(made.sign(message()), "rsa-sha2-256"), message()));
  const std::string exponent("\0\0\0\3\1\0\1", 7);
  const auto with_exponent = [&](std::string_view other) {
    std::string blob = made.blob();
    REQUIRE(blob.find(exponent) == 11);
    return blob.replace(11, exponent.size(), other);
  };
  using namespace std::string_view_literals;
  CHECK(parse_public_key(with_exponent(exponent)));
  CHECK_FALSE(parse_public_key(with_exponent("\0\0\0\4\0\1\0\1"sv)));  // a zero in front
  CHECK_FALSE(parse_public_key(with_exponent("\0\0\0\1\1"sv)));
  CHECK_FALSE(parse_public_key(with_exponent("\0\0\0\1\2"sv)));
  CHECK_FALSE(parse_public_key(with_exponent("\0\0\0\x09\1\0\0\0\0\0\0\0\1"sv)));
}

TEST_CASE("a token's signature counts when somebody touched it") {
  REQUIRE(start_openssl());
  for (const KeyType type : {KeyType::token_ed25519, KeyType::token_ecdsa_p256}) {
    const TestKey made(type);
    const Result<PublicKey> key = parse_public_key(made.blob());
    REQUIRE(key);
    const Status untouched = verify_signature(*key, made.sign(message(), {.flags = 0}), message());
    REQUIRE_FALSE(untouched);
    CHECK(untouched.error().text == "nobody touched the token that made it");
    CHECK_FALSE(verify_signature(*key, made.sign(message()), message(), {.user_verified = true}));
    CHECK(verify_signature(*key, made.sign(message(), {.flags = 5}), message(),
                           {.user_verified = true}));
    // Of another application.
    PublicKey elsewhere = *key;
    elsewhere.application = "web:";
    CHECK_FALSE(verify_signature(elsewhere, made.sign(message()), message()));
  }
}
