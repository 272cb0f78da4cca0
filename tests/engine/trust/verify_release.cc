#include "engine/trust/verify_release.h"

#include <doctest/doctest.h>

#include "test_keys.h"

using namespace murder;
using namespace murder::trust;
using namespace murder::trust::test;

namespace {

constexpr int64_t noon = 1795953600;  // 2026-11-29T12:00:00Z

int64_t utc(const CivilTime& time) {
  return seconds_of_utc(time);
}

const TestKey& ann() {
  static const TestKey key(KeyType::ed25519);
  return key;
}
const TestKey& bob() {
  static const TestKey key(KeyType::ecdsa_p384);
  return key;
}
const TestKey& mallory() {
  static const TestKey key(KeyType::ed25519);
  return key;
}

ReleaseStatement statement_of_v42() {
  ReleaseStatement statement{.application = "shop", .tag = "v42"};
  statement.size_bytes = 1000;
  statement.serial = 7;
  statement.time_s = noon;
  statement.expires_s = noon + 3600;
  return statement;
}

std::string text_of_v42() {
  return encode_statement(statement_of_v42());
}

AllowedSigners allowed_of(const std::string& text) {
  return *parse_allowed_signers(text, utc);
}

AllowedSigners both_allowed() {
  return allowed_of("ann " + ann().line() + "\nbob " + bob().line() + "\n");
}

Result<VerifiedRelease> verified(std::vector<std::string> signatures, const AllowedSigners& allowed,
                                 int64_t now_s = noon, std::string text = text_of_v42()) {
  return verify_release({.text = std::move(text), .signatures = std::move(signatures)}, allowed,
                        now_s);
}

std::string refusal(std::vector<std::string> signatures, const AllowedSigners& allowed,
                    int64_t now_s = noon, std::string text = text_of_v42()) {
  const Result<VerifiedRelease> result =
      verified(std::move(signatures), allowed, now_s, std::move(text));
  if (result) {
    return "";
  }
  CHECK(result.error().code == ErrorCode::untrusted);
  return result.error().text;
}

}  // namespace

TEST_CASE("a release that an allowed key signed is told with its signer") {
  REQUIRE(start_openssl());
  for (const char* hash : {"sha512", "sha256"}) {
    const std::string blob = signature_blob(ann(), text_of_v42(), {}, {}, "murder-release", hash);
    const Result<VerifiedRelease> release = verified({blob}, both_allowed());
    REQUIRE(release);
    CHECK(release->statement == statement_of_v42());
    REQUIRE(release->signers.size() == 1);
    CHECK(release->signers[0].principal == "ann");
    CHECK(release->signers[0].line == 1);
    CHECK(release->signers[0].key_type == KeyType::ed25519);
    CHECK(text_of(release->signers[0]) ==
          "ann (ssh-ed25519 " + release->signers[0].fingerprint + ")");
    CHECK(release->ignored.empty());
  }
}

TEST_CASE("each refusal says what is wrong") {
  REQUIRE(start_openssl());
  const AllowedSigners allowed = both_allowed();
  const std::string text = text_of_v42();
  CHECK(refusal({}, allowed) == "it is not signed");
  CHECK(refusal({}, allowed, noon, "") == "it is not signed");
  CHECK(refusal({signature_blob(ann(), text)}, allowed, noon, text + "x\n") ==
        "what is signed is a statement with more than its fields");
  CHECK(refusal({signature_blob(mallory(), text)}, allowed)
            .ends_with("(ssh-ed25519) is not in the list of allowed signers"));
  CHECK(refusal({signature_blob(ann(), "other")}, allowed)
            .ends_with("it is not a signature of this text by that key"));
  CHECK(refusal({signature_blob(ann(), text, {}, {}, "file")}, allowed) ==
        "no trusted key signed it: signature 1: it is for file, not for murder-release");
  CHECK(refusal({"junk"}, allowed) ==
        "no trusted key signed it: signature 1: a signature that is not one of ssh-keygen");
  CHECK(refusal({signature_blob(ann(), text)}, allowed, noon + 3601) ==
        "it expired at 2026-11-29T13:00:00Z: sign it again");
  CHECK(refusal({signature_blob(ann(), text)}, allowed, noon + 3600).empty());
  CHECK(refusal({signature_blob(ann(), text)}, allowed_of(""))
            .ends_with("is not in the list of allowed signers"));
  CHECK(refusal(std::vector<std::string>(17, "junk"), allowed) ==
        "it has 17 signatures: at most 16 are read");
}

TEST_CASE("a signature by Mallory under the key of Ann is none of hers") {
  REQUIRE(start_openssl());
  const std::string text = text_of_v42();
  // Mallory's signature, and the name of Ann's key.
  std::string data = "SSHSIG";
  append_string(data, "murder-release");
  append_string(data, "");
  append_string(data, "sha512");
  append_string(data, digest_of(HashAlgorithm::sha512, text));
  const std::string forged =
      encode(TestSignature{.key = ann().blob(), .signature = mallory().sign(data)});
  CHECK(refusal({forged}, both_allowed())
            .ends_with("it is not a signature of this text by that key"));
  // A signature for another namespace, said to be for this one.
  std::string other = "SSHSIG";
  append_string(other, "file");
  append_string(other, "");
  append_string(other, "sha512");
  append_string(other, digest_of(HashAlgorithm::sha512, text));
  const std::string moved =
      encode(TestSignature{.key = ann().blob(), .signature = ann().sign(other)});
  CHECK_FALSE(refusal({moved}, both_allowed()).empty());
}

TEST_CASE("two must sign where two are required, and one key is one signer") {
  REQUIRE(start_openssl());
  const std::string text = text_of_v42();
  const std::string by_ann = signature_blob(ann(), text);
  const std::string by_bob = signature_blob(bob(), text);
  const AllowedSigners two = allowed_of("# murder: require = 2\nann,ann2 " + ann().line() +
                                        "\nbob " + bob().line() + "\nann2 " + ann().line() + "\n");
  const Result<VerifiedRelease> release = verified({by_ann, by_bob}, two);
  REQUIRE(release);
  CHECK(release->signers.size() == 2);
  CHECK(refusal({by_ann}, two) == "1 of 2 required keys signed it");
  CHECK(
      refusal({by_ann, by_ann}, two).starts_with("1 of 2 required keys signed it: signature 2: "));
  // By another hash it is another signature, and the same key.
  CHECK(refusal({by_ann, signature_blob(ann(), text, {}, {}, "murder-release", "sha256")}, two)
            .ends_with("signed already"));
  CHECK(refusal({by_ann, signature_blob(mallory(), text)}, two)
            .starts_with("1 of 2 required keys signed it: signature 2: its key SHA256:"));
  // Ann's next key is Ann's as well; names with patterns are those of several.
  const AllowedSigners twice =
      allowed_of("# murder: require = 2\nann " + ann().line() + "\nann " + bob().line() + "\n");
  CHECK(refusal({by_ann, by_bob}, twice) ==
        "1 of 2 required keys signed it: signature 2: ann signed already");
  const AllowedSigners all =
      allowed_of("# murder: require = 2\n* " + ann().line() + "\n* " + bob().line() + "\n");
  CHECK(refusal({by_ann, by_bob}, all).empty());
  // A certificate of Ann's key is Ann's key as well.
  const TestKey authority(KeyType::ed25519);
  const std::string certificate =
      encode(TestCertificate{.key = &ann(), .authority = &authority, .principals = {"carol"}});
  const AllowedSigners with_authority =
      allowed_of("# murder: require = 2\nann " + ann().line() + "\ncarol cert-authority " +
                 authority.line() + "\n");
  const std::string certified = signature_blob(ann(), text, certificate);
  CHECK(refusal({by_ann, certified}, with_authority).ends_with("signed already"));
  // Certificates for one name are of one signer, unless their ids are of two.
  const auto by_certificate = [&](const TestKey& key, std::string id) {
    return signature_blob(key, text,
                          encode(TestCertificate{.key = &key,
                                                 .authority = &authority,
                                                 .key_id = std::move(id),
                                                 .principals = {"carol"}}));
  };
  CHECK(refusal({by_certificate(ann(), "one"), by_certificate(bob(), "one")}, with_authority)
            .ends_with("carol signed already"));
  CHECK(refusal({by_certificate(ann(), "one"), by_certificate(bob(), "two")}, with_authority)
            .empty());
}

TEST_CASE("signatures that do not count make those that do no worse") {
  REQUIRE(start_openssl());
  const std::string text = text_of_v42();
  const Result<VerifiedRelease> release = verified(
      {"junk", signature_blob(mallory(), text), signature_blob(bob(), text)}, both_allowed());
  REQUIRE(release);
  REQUIRE(release->signers.size() == 1);
  CHECK(release->signers[0].principal == "bob");
  CHECK(release->ignored.size() == 2);
}

TEST_CASE("certificates sign, by tokens too, and end when they or their line end") {
  REQUIRE(start_openssl());
  const std::string text = text_of_v42();
  const TestKey authority(KeyType::ed25519);
  const TestKey token(KeyType::token_ecdsa_p256);
  TestCertificate certificate{.key = &token, .authority = &authority};
  certificate.valid_before = noon + 100;
  const AllowedSigners allowed = allowed_of("a* cert-authority " + authority.line());
  const Result<VerifiedRelease> release =
      verified({signature_blob(token, text, encode(certificate))}, allowed);
  REQUIRE(release);
  CHECK(release->signers[0].principal == "ann");
  CHECK(release->signers[0].key_id == "the key id");
  CHECK(release->signers[0].until_s == noon + 100);
  CHECK(refusal({signature_blob(token, text, encode(certificate))}, allowed, noon + 100)
            .ends_with("its certificate expired at 2026-11-29T12:01:40Z"));
  CHECK(refusal({signature_blob(token, text, encode(certificate), {.flags = 0})}, allowed)
            .ends_with("nobody touched the token that made it"));
  certificate.critical_options = {"verify-required"};
  CHECK(refusal({signature_blob(token, text, encode(certificate))}, allowed)
            .ends_with("the token that made it did not verify its user"));
  CHECK(refusal({signature_blob(token, text, encode(certificate), {.flags = 5})}, allowed).empty());
}

TEST_CASE("a signature is inspected without a list of who is trusted") {
  REQUIRE(start_openssl());
  const std::string blob = signature_blob(mallory(), "a text");
  const Result<Signer> signer = inspect_signature("a text", blob, "murder-release");
  REQUIRE(signer);
  CHECK(signer->key_type == KeyType::ed25519);
  CHECK(signer->principal.empty());
  CHECK_FALSE(inspect_signature("another text", blob, "murder-release"));
  CHECK_FALSE(inspect_signature("a text", blob, "murder-order"));
  const TestKey authority(KeyType::ed25519);
  const std::string certificate =
      encode(TestCertificate{.key = &mallory(), .authority = &authority});
  CHECK(inspect_signature("a text", signature_blob(mallory(), "a text", certificate),
                          "murder-release")
            ->key_id == "the key id");
}

TEST_CASE("a statement is about one torrent, one name and one application") {
  const ReleaseStatement statement = statement_of_v42();
  const ReleaseSubject right{.info_hash = statement.info_hash, .size_bytes = 1000};
  CHECK(check_subject(statement, right));
  ReleaseSubject subject = right;
  subject.tag = "v42";
  subject.application = "shop";
  CHECK(check_subject(statement, subject));
  const auto text = [&](const ReleaseSubject& other, const ReleaseStatement& about) {
    const Status status = check_subject(about, other);
    return status ? "" : status.error().text;
  };
  subject.tag = "v43";
  CHECK(text(subject, statement) == "what was signed is named v42, not v43");
  subject = right;
  subject.application = "bank";
  CHECK(text(subject, statement) == "it was signed for shop, and this host takes bank only");
  ReleaseStatement nobody = statement;
  nobody.application.clear();
  CHECK(text(subject, nobody) == "it was signed for no application, and this host takes bank only");
  subject = right;
  subject.info_hash.bytes[0] = 1;
  CHECK(text(subject, statement).starts_with("what was signed is another torrent: info hash 00"));
  subject = right;
  subject.size_bytes = 1001;
  CHECK(text(subject, statement) == "what was signed has 1000 bytes, the torrent 1001");
}
