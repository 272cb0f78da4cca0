#include "engine/trust/certificate.h"

#include <doctest/doctest.h>

#include "test_keys.h"

using namespace murder;
using namespace murder::trust;
using namespace murder::trust::test;

namespace {

struct Pair {
  TestKey key{KeyType::ed25519};
  TestKey authority{KeyType::ecdsa_p256};

  [[nodiscard]] TestCertificate certificate() const {
    return {.key = &key, .authority = &authority};
  }
};

std::string refusal(const TestCertificate& certificate, int64_t now_s = 1000) {
  const Result<Certificate> parsed = parse_certificate(encode(certificate));
  if (!parsed) {
    return parsed.error().text;
  }
  const Status status = verify_certificate(*parsed, now_s);
  return status ? "" : status.error().text;
}

}  // namespace

TEST_CASE("a certificate of each type of key, by each type of authority, holds") {
  REQUIRE(start_openssl());
  for (const KeyType type :
       {KeyType::ed25519, KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::ecdsa_p521,
        KeyType::rsa, KeyType::token_ed25519, KeyType::token_ecdsa_p256}) {
    CAPTURE(name_of(type));
    const TestKey key(type);
    const TestKey authority(type);
    const std::string blob = encode(TestCertificate{.key = &key, .authority = &authority});
    const Result<Certificate> certificate = parse_certificate(blob);
    REQUIRE(certificate);
    CHECK(certificate->key.blob == key.blob());
    CHECK(certificate->authority.blob == authority.blob());
    CHECK(certificate->principals == std::vector<std::string>{"ann"});
    CHECK(certificate->key_id == "the key id");
    CHECK(certificate->serial == 42);
    CHECK(verify_certificate(*certificate, 1000));
    CHECK_FALSE(parse_certificate(blob + '\0'));
    for (size_t index = 0; index < blob.size(); ++index) {
      std::string changed = blob;
      changed[index] = static_cast<char>(changed[index] ^ 1);
      const Result<Certificate> other = parse_certificate(changed);
      const bool holds = other && verify_certificate(*other, 1000);
      CHECK_FALSE(holds);
      CHECK_FALSE(parse_certificate(blob.substr(0, index)));
    }
  }
}

TEST_CASE("a certificate says when, for whom and for what it holds") {
  REQUIRE(start_openssl());
  const Pair pair;
  TestCertificate certificate = pair.certificate();
  certificate.valid_after = 500;
  certificate.valid_before = 2000;
  CHECK(refusal(certificate, 500).empty());
  CHECK(refusal(certificate, 1999).empty());
  CHECK(refusal(certificate, 499) == "its certificate is not valid before 1970-01-01T00:08:20Z");
  CHECK(refusal(certificate, -1) == "its certificate is not valid before 1970-01-01T00:08:20Z");
  CHECK(refusal(certificate, 2000) == "its certificate expired at 1970-01-01T00:33:20Z");
  certificate = pair.certificate();
  certificate.type = 2;
  CHECK(refusal(certificate) == "its certificate is of a host, not of a user");
  certificate.type = 3;
  CHECK(refusal(certificate) == "a certificate that is neither of a user nor of a host");
  certificate = pair.certificate();
  certificate.principals.clear();
  CHECK(refusal(certificate) == "its certificate names nobody");
  certificate.principals.assign(257, "ann");
  CHECK(refusal(certificate) ==
        "a certificate that names too many principals, or one that is too long");
  certificate = pair.certificate();
  certificate.critical_options = {"force-command"};
  CHECK(refusal(certificate) ==
        "its certificate is restricted by force-command, which does not go with signatures");
  certificate.critical_options = {"verify-required"};
  CHECK(refusal(certificate).empty());
  CHECK(parse_certificate(encode(certificate))->needs_user_verified);
}

TEST_CASE("an authority signs itself, and is not a certificate") {
  REQUIRE(start_openssl());
  const Pair pair;
  const TestKey stranger(KeyType::ed25519);
  Result<Certificate> certificate = parse_certificate(encode(pair.certificate()));
  REQUIRE(certificate);
  certificate->signature = stranger.sign(certificate->signed_part);
  CHECK(verify_certificate(*certificate, 1000)
            .error()
            .text.starts_with("its certificate is not signed by its authority: "));
  CHECK_FALSE(parse_certificate(pair.key.blob()));
  CHECK_FALSE(parse_public_key(encode(pair.certificate())));
}
