#include "engine/trust/allowed_signers.h"

#include <doctest/doctest.h>

#include "engine/trust/bounds.h"
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
  static const TestKey key(KeyType::ecdsa_p256);
  return key;
}

AllowedSigners parsed(const std::string& text) {
  Result<AllowedSigners> allowed = parse_allowed_signers(text, utc);
  REQUIRE(allowed);
  return std::move(*allowed);
}

// What is wrong with the only line; "" when nothing is.
std::string fault_of(const std::string& line) {
  const AllowedSigners allowed = parsed(line);
  CHECK(allowed.signers.size() + allowed.faults.size() == 1);
  return allowed.faults.empty() ? "" : allowed.faults[0].text;
}

// Whom the file allows the key for; the refusal without the key's name.
std::string asked(const std::string& text, const TestKey& key = ann(), int64_t now_s = noon,
                  std::optional<std::string_view> principal = {},
                  std::string_view name_space = "murder-release") {
  const Result<PublicKey> public_key = parse_public_key(key.blob());
  const AllowedSigners allowed = parsed(text);
  const Result<FoundSigner> found = find_signer(
      allowed, *public_key, {.name_space = name_space, .now_s = now_s, .principal = principal});
  if (found) {
    return found->principal;
  }
  CHECK(found.error().code == ErrorCode::untrusted);
  return found.error().text.substr(found.error().text.find(") ") + 2);
}

}  // namespace

TEST_CASE("a line is principals, options and a key; blanks and comments do not count") {
  const AllowedSigners allowed = parsed(
      "# who may sign\n\n \t\r\nann@example.net,bob@example.net " + ann().line() +
      " ann's key\r\n\t*@example.net\tcert-authority,NAMESPACES=\"murder-*\" " + bob().line() +
      "\n  carol valid-after=\"20260101Z\",valid-before=\"20270101Z\"   " + ann().line());
  CHECK(allowed.faults.empty());
  REQUIRE(allowed.signers.size() == 3);
  CHECK(allowed.required == 1);
  const AllowedSigner& first = allowed.signers[0];
  CHECK(first.line == 4);
  CHECK(first.principals == "ann@example.net,bob@example.net");
  CHECK(first.key.blob == ann().blob());
  CHECK_FALSE(first.is_authority);
  CHECK_FALSE(first.namespaces);
  CHECK(first.comment == "ann's key");
  CHECK(allowed.signers[1].is_authority);
  CHECK(allowed.signers[1].namespaces == "murder-*");
  CHECK(allowed.signers[2].valid_after_s == utc({2026, 1, 1}));
  CHECK(allowed.signers[2].valid_before_s == utc({2027, 1, 1}));
}

TEST_CASE("quotes hide blanks") {
  CHECK(asked("\"ann lee\" " + ann().line()) == "ann lee");
  CHECK(asked("ann\" lee\" " + ann().line()) == "ann lee");
  CHECK(asked("ann namespaces=\"a b,murder-release\" " + ann().line()) == "ann");
  CHECK(asked(R"(ann namespaces="a\"b,murder-release" )" + ann().line()) == "ann");
  CHECK_FALSE(fault_of("\"ann " + ann().line()).empty());
  CHECK_FALSE(fault_of("ann namespaces=\"a " + ann().line()).empty());
}

TEST_CASE("a line that is not understood is named, and allows nobody") {
  const std::string key = ann().line();
  const std::string base64 = key.substr(key.find(' ') + 1);
  const std::vector<std::string> lines = {
      std::string("ann"),
      "ann x",
      "ann ssh-ed25519",
      "ann ssh-ed25519 !",
      "ann ssh-rsa " + base64,
      "ann ssh-dss " + base64,
      "ann verify-required " + key,
      "ann cert-authorityx " + key,
      "ann cert-authority, " + key,
      "ann cert-authority;namespaces=\"a\" " + key,
      "ann namespaces=murder-release " + key,
      "ann namespaces=\"a\",namespaces=\"b\" " + key,
      "ann valid-after=\"tomorrow\" " + key,
      "ann valid-after=\"20260101Z\",valid-after=\"20260101Z\" " + key,
      "ann valid-after=\"20270101Z\",valid-before=\"20270101Z\" " + key,
      "ann valid-before=\"19690101Z\" " + key,
      key,
      "ann " + key.substr(0, key.size() - 4),
      "ann " + key + "AAAA",
      "\rann " + key,
      std::string("ann\0 ", 5) + key};
  for (const std::string& line : lines) {
    CAPTURE(line);
    CHECK_FALSE(fault_of(line).empty());
    CHECK(asked(line) == "is not in the list of allowed signers");
  }
  CHECK(asked("ann nonsense\nann " + key) == "ann");
  const std::string certificate = "ann ssh-ed25519-cert-v01@openssh.com " + base64;
  CHECK(fault_of(certificate) ==
        "a certificate is listed: list its authority, with cert-authority");
}

TEST_CASE("how many must sign is said in a comment, which is understood or nothing is") {
  CHECK(parsed("# murder: require = 2\n").required == 2);
  CHECK(parsed("#murder:require=3").required == 3);
  CHECK(parsed("  # Murder: require = 2  \r\n# murder: require = 1\n").required == 2);
  CHECK(parsed("# murder is for releases\n# require = 2\n").required == 1);
  for (const char* line :
       {"# murder: require 2", "# murder: require = 0", "# murder: require = two",
        "# murder: require = 12", "# murder: requires = 2",
        "# murder:", "# murder: require = 2 # for now", "# murder: require ="}) {
    CAPTURE(line);
    const Result<AllowedSigners> allowed = parse_allowed_signers(line, utc);
    REQUIRE_FALSE(allowed);
    CHECK(allowed.error().text.starts_with("line 1: '# murder:"));
  }
}

TEST_CASE("how many must sign is not passed over behind something else on its line") {
  const std::string key = ann().line();
  const std::vector<std::string> lines = {"\xEF\xBB\xBF# murder: require = 2",
                                          "\xC2\xA0# murder: require = 2",
                                          "// # murder: require = 2",
                                          "ann " + key + " # murder: require = 2",
                                          "ann " + key + " #1 #murder: require",
                                          "nonsense # Murder: require = 2"};
  for (const std::string& line : lines) {
    CAPTURE(line);
    const Result<AllowedSigners> allowed =
        parse_allowed_signers("# a file\n" + line + "\nbob " + key + "\n", utc);
    REQUIRE_FALSE(allowed);
    CHECK(allowed.error().text.starts_with("line 2: "));
  }
  CHECK(parsed("ann " + key + " # of murder, require it\n").required == 1);
  CHECK(parsed("# of a file # murder: require = 2\n").required == 1);
}

TEST_CASE("a key is allowed by a line of its own, as whom that says") {
  const std::string key = ann().line();
  CHECK(asked("ann@*,bob " + key) == "ann@*");
  CHECK(asked("!ann,* " + key) == "*");
  CHECK(asked("ann,bob " + key, ann(), noon, "bob") == "bob");
  CHECK(asked("*@example.net " + key, ann(), noon, "x@example.net") == "x@example.net");
  CHECK(asked("*,!bob " + key, ann(), noon, "bob") == "is not allowed to sign as bob (line 1)");
  CHECK(asked("!bob " + key) == "is not allowed to sign as anybody (line 1)");
  CHECK(asked("ann,!a* " + key) == "is not allowed to sign as anybody (line 1)");
  CHECK(asked("ann " + bob().line()) == "is not in the list of allowed signers");
  CHECK(asked("") == "is not in the list of allowed signers");
  CHECK(asked("ann cert-authority " + key) == "is allowed to sign certificates only (line 1)");
}

TEST_CASE("a line holds for its namespaces and its time") {
  const std::string key = ann().line();
  CHECK(asked("ann namespaces=\"file\" " + key) ==
        "is allowed to sign for file only, not for murder-release (line 1)");
  CHECK(asked("ann namespaces=\"file,murder-*\" " + key) == "ann");
  CHECK(asked("ann namespaces=\"*,!murder-order\" " + key, ann(), noon, {}, "murder-order") ==
        "is allowed to sign for *,!murder-order only, not for murder-order (line 1)");
  const std::string timed =
      "ann valid-after=\"20261129110000Z\",valid-before=\"20261129130000Z\" " + key;
  CHECK(asked(timed, ann(), noon - 3601) == "is not allowed before 2026-11-29T11:00:00Z (line 1)");
  CHECK(asked(timed, ann(), noon - 3600) == "ann");
  CHECK(asked(timed, ann(), noon + 3600) == "ann");
  CHECK(asked(timed, ann(), noon + 3601) == "was allowed until 2026-11-29T13:00:00Z (line 1)");
  // Any line will do.
  CHECK(asked("ann valid-before=\"20200101Z\" " + key + "\nann2 " + key) == "ann2");
}

TEST_CASE("a certificate is allowed by its authority's line, as whom both say") {
  REQUIRE(start_openssl());
  const TestKey authority(KeyType::rsa);
  const auto found = [&](const std::string& text, std::vector<std::string> principals,
                         std::optional<std::string_view> principal = {},
                         uint64_t valid_before = UINT64_MAX) {
    const Result<Certificate> certificate =
        parse_certificate(encode(TestCertificate{.key = &ann(),
                                                 .authority = &authority,
                                                 .principals = std::move(principals),
                                                 .valid_before = valid_before}));
    REQUIRE(certificate);
    const AllowedSigners allowed = parsed(text);
    const Result<FoundSigner> signer =
        find_signer(allowed, *certificate,
                    {.name_space = "murder-release", .now_s = noon, .principal = principal});
    return signer ? signer->principal : signer.error().text;
  };
  const std::string line = "*@example.net cert-authority " + authority.line();
  CHECK(found(line, {"root", "ann@example.net"}) == "ann@example.net");
  CHECK(found(line, {"ann@example.net"}, "ann@example.net") == "ann@example.net");
  CHECK(found(line, {"ann@example.net"}, "bob@example.net")
            .ends_with("is certified for ann@example.net, which line 1 does not allow"));
  CHECK(found(line, {"*"}).ends_with("is certified for *, which line 1 does not allow"));
  CHECK(found(line, {"ann@example.net"}, {}, 1000) ==
        "its certificate expired at 1970-01-01T00:16:40Z");
  // The authority's key without cert-authority, the signer's own key, another authority.
  for (const std::string& other :
       {"* " + authority.line(), "* " + ann().line(), "* cert-authority " + bob().line(),
        "* cert-authority " + ann().line()}) {
    CHECK(found(other, {"ann"}).ends_with("which is not an allowed authority"));
  }
  CHECK(found("* cert-authority,valid-before=\"20200101Z\" " + authority.line(), {"ann"})
            .ends_with("is certified by one that was allowed until 2020-01-01T00:00:00Z (line 1)"));
  CHECK(found("* cert-authority,namespaces=\"file\" " + authority.line(), {"ann"})
            .ends_with("is allowed to sign for file only, not for murder-release (line 1)"));
}

TEST_CASE("a file is bounded") {
  CHECK_FALSE(parse_allowed_signers(std::string(limits::allowed_signers_bytes_max + 1, '\n'), utc));
  std::string many;
  for (size_t count = 0; count <= limits::allowed_signers_max; ++count) {
    many += "x y\n";
  }
  CHECK_FALSE(parse_allowed_signers(many, utc));
  CHECK(parse_allowed_signers(many.substr(4), utc));
}
