#include "engine/trust/ssh_signature.h"

#include <doctest/doctest.h>

#include "engine/trust/bounds.h"
#include "test_keys.h"

using namespace murder;
using namespace murder::trust;
using namespace murder::trust::test;

namespace {

// By ssh-keygen: "hello\n" in the namespace murder-release.
constexpr std::string_view armoured =
    "-----BEGIN SSH SIGNATURE-----\n"
    "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgC0M9QnACDKle7c94U3lB1NsjXo\n"
    "WnDg69kNrID5WM6B4AAAAObXVyZGVyLXJlbGVhc2UAAAAAAAAABnNoYTUxMgAAAFMAAAAL\n"
    "c3NoLWVkMjU1MTkAAABAoehpVYWgUXS75UCC4lgKttmI3LteMChCYIIELbuOEG6hrcRY3R\n"
    "tfQ2wfoJlzAnVUFODiT5s+HXQO3RjFi6j+BQ==\n"
    "-----END SSH SIGNATURE-----\n";

std::string refusal(const TestSignature& signature) {
  const Result<SshSignature> parsed = parse_ssh_signature(encode(signature));
  return parsed ? "" : parsed.error().text;
}

}  // namespace

TEST_CASE("a signature of ssh-keygen loses its armour and gets it again, byte for byte") {
  REQUIRE(start_openssl());
  const Result<std::string> blob = remove_armour(armoured);
  REQUIRE(blob);
  CHECK(add_armour(*blob) == armoured);
  const Result<SshSignature> signature = parse_ssh_signature(*blob);
  REQUIRE(signature);
  CHECK(signature->name_space == "murder-release");
  CHECK(signature->hash == HashAlgorithm::sha512);
  const Result<PublicKey> key = parse_public_key(signature->key);
  REQUIRE(key);
  CHECK(verify_signature(*key, signature->signature, signed_data_of(*signature, "hello\n")));
  CHECK_FALSE(verify_signature(*key, signature->signature, signed_data_of(*signature, "hello")));
}

TEST_CASE("armour begins and ends with its lines, and holds base64") {
  const std::string text(armoured);
  std::string with_returns;
  for (const char each : text) {
    with_returns += each == '\n' ? "\r\n" : std::string(1, each);
  }
  CHECK(remove_armour(with_returns) == *remove_armour(text));
  CHECK(remove_armour(text + "\n\n") == *remove_armour(text));
  for (const std::string& wrong :
       {std::string(), " " + text, text + "x", text.substr(0, text.size() - 2),
        text.substr(0, text.find_last_of('-')) + "x",
        text.substr(0, text.find_last_of('-')) + "\n-",
        std::string(armour_begin) + std::string(armour_end),
        std::string(armour_begin) + "\n" + std::string(armour_end),
        std::string(armour_begin) + "\n\n" + std::string(armour_end), std::string(armour_begin),
        std::string(armour_begin) + "\n!\n" + std::string(armour_end),
        std::string(armour_begin) + "\n" + std::string(limits::armour_bytes_max, 'A') + "\n" +
            std::string(armour_end)}) {
    CHECK_FALSE(remove_armour(wrong));
  }
}

TEST_CASE("a signature has its version, a namespace and a hash that is known, and no more") {
  const TestSignature right{.key = "key", .signature = "signature"};
  CHECK(refusal(right).empty());
  TestSignature reserved = right;
  reserved.reserved = "for later";  // is ignored
  CHECK(refusal(reserved).empty());
  TestSignature wrong = right;
  wrong.version = 2;
  CHECK(refusal(wrong) == "a signature that is of version 2: 1 is known");
  wrong.version = 0;
  CHECK_FALSE(refusal(wrong).empty());
  wrong = right;
  wrong.name_space = "";
  CHECK(refusal(wrong) == "a signature that has no namespace, or too long a one");
  wrong = right;
  for (const char* name : {"sha1", "md5", "", "SHA512", "sha384"}) {
    wrong.hash = name;
    CHECK(refusal(wrong).starts_with("a signature that is over a hash by "));
  }
  wrong = right;
  wrong.surplus = "x";
  CHECK(refusal(wrong) == "a signature that is damaged");
  wrong = right;
  wrong.signature = std::string(limits::signature_bytes_max, 'x');
  CHECK(refusal(wrong) == "a signature that is larger than 16384 bytes");
  const std::string blob = encode(right);
  for (size_t size = 0; size < blob.size(); ++size) {
    CHECK_FALSE(parse_ssh_signature(blob.substr(0, size)));
  }
}

TEST_CASE("what is signed names the namespace and the hash") {
  REQUIRE(start_openssl());
  const SshSignature signature{.name_space = "n", .hash = HashAlgorithm::sha256};
  std::string expected = "SSHSIG";
  append_string(expected, "n");
  append_string(expected, "");
  append_string(expected, "sha256");
  append_string(expected, digest_of(HashAlgorithm::sha256, "text"));
  CHECK(signed_data_of(signature, "text") == expected);
}
