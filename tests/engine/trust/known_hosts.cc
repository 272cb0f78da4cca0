#include "engine/trust/known_hosts.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/trust/key_line.h"
#include "engine/trust/openssl.h"
#include "test_keys.h"

using namespace murder;
using namespace murder::trust;
using namespace murder::trust::test;

namespace {

// Of ssh-keygen -H: web7, 192.0.2.7 and [web7]:2222.
constexpr std::string_view hashed_key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHpb0Xo4fOb/2G5KqPi8Hs95YA0yOqWTdLgC7+0UfQVu";
constexpr std::string_view hashed_names[] = {
    "|1|1i5nSovg3JFqLKjCqnrodEVpLEY=|bnXLGRuP3LYzgFnG0DMAFNpNt10=",
    "|1|63BUuxhBd4I2weO9Zv4oUE71DAA=|0HytD94932J2O3gk4wUc4i+T8cQ=",
    "|1|Yqd2Gmq8Jphh0lo3UnmktXhPvL8=|qPfbI+n318F5VVb1/ww3xAUUznk="};

PublicKey key_of(const TestKey& key) {
  return *parse_public_key(key.blob());
}

bool knows(const std::string& text, std::string_view host, const PublicKey& key,
           uint16_t port = 22) {
  return KnownHosts::parse(text)->check(host, port, key).has_value();
}

}  // namespace

TEST_CASE("a host is known by its names, addresses and patterns, with each type of key") {
  for (const KeyType type :
       {KeyType::ed25519, KeyType::ecdsa_p256, KeyType::ecdsa_p384, KeyType::ecdsa_p521,
        KeyType::rsa, KeyType::token_ed25519, KeyType::token_ecdsa_p256}) {
    CAPTURE(name_of(type));
    const TestKey key(type);
    const std::string line = "web7,192.0.2.7,*.example.net,!bad.example.net " + key.line() + " x y";
    CHECK(knows(line, "web7", key_of(key)));
    CHECK(knows(line, "192.0.2.7", key_of(key)));
    CHECK(knows(line, "Web9.Example.net", key_of(key)));
    CHECK_FALSE(knows(line, "bad.example.net", key_of(key)));
    CHECK_FALSE(knows(line, "web8", key_of(key)));
    CHECK_FALSE(knows(line, "web7", key_of(TestKey(type))));
  }
}

TEST_CASE("names are the host's port's, as ssh writes them") {
  const TestKey key(KeyType::ed25519);
  const std::string line = "[web7]:2222 " + key.line() + "\n";
  CHECK(knows(line, "web7", key_of(key), 2222));
  // Whoever may open a port of a host is not that host.
  CHECK_FALSE(knows(line, "web7", key_of(key)));
  CHECK_FALSE(knows("web7 " + key.line(), "web7", key_of(key), 2222));
}

TEST_CASE("hashed names are those that ssh-keygen hashed") {
  std::string text;
  for (const std::string_view names : hashed_names) {
    text.append(names).append(" ").append(hashed_key).append("\n");
  }
  const PublicKey key = *parse_key_line(hashed_key);
  CHECK(knows(text, "web7", key));
  CHECK(knows(text, "WEB7", key));
  CHECK(knows(text, "192.0.2.7", key));
  CHECK(knows(text, "web7", key, 2222));
  CHECK_FALSE(knows(text, "web8", key));
  CHECK_FALSE(knows(text, "web7", key, 2223));
  CHECK_FALSE(knows("|1|x " + std::string(hashed_key), "web7", key));
  CHECK_FALSE(knows("|1|AAAA|AAAA " + std::string(hashed_key), "web7", key));
}

TEST_CASE("a revoked key is of no host, wherever the line stands") {
  const TestKey key(KeyType::ed25519);
  const std::string line = "web7 " + key.line() + "\n";
  CHECK(knows(line, "web7", key_of(key)));
  CHECK_FALSE(knows(line + "@revoked * " + key.line(), "web7", key_of(key)));
  CHECK_FALSE(knows("@revoked web7 " + key.line() + "\n" + line, "web7", key_of(key)));
  CHECK(knows(line + "@revoked web8 " + key.line(), "web7", key_of(key)));
  CHECK_FALSE(knows("@cert-authority web7 " + key.line(), "web7", key_of(key)));
}

TEST_CASE("a certificate counts by an authority for that host, for names in it, in its time") {
  REQUIRE(start_openssl());
  const TestKey key(KeyType::ed25519);
  const TestKey authority(KeyType::ecdsa_p384);
  TestCertificate made{.key = &key,
                       .authority = &authority,
                       .principals = {"web7", "*.example.net"},
                       .valid_after = 100,
                       .valid_before = 200,
                       .type = 2};
  const std::string text = "@cert-authority web*,*.example.net " + authority.line() + "\n";
  const auto why = [&](const TestCertificate& certificate, std::string_view host,
                       const std::string& known, int64_t now_s = 150) {
    const Status checked =
        KnownHosts::parse(known)->check(host, 22, *parse_certificate(encode(certificate)), now_s);
    return checked ? std::string() : checked.error().text;
  };
  CHECK(why(made, "web7", text) == "");
  CHECK(why(made, "Web7", text) == "");
  CHECK(why(made, "a.example.net", text) == "");
  CHECK(why(made, "web8", text) == "its certificate is of web7, not of web8");
  CHECK(why(made, "db1", text).find("not an authority of db1") != std::string::npos);
  CHECK(why(made, "web7", "web7 " + authority.line()) != "");
  CHECK(why(made, "web7", text, 99) != "");
  CHECK(why(made, "web7", text, 200) != "");
  CHECK(why(made, "web7", text + "@revoked * " + key.line()) != "");
  CHECK(why(made, "web7", text + "@revoked * " + authority.line()) != "");
  TestCertificate other = made;
  other.type = 1;
  CHECK(why(other, "web7", text) == "its certificate is of a user, not of a host");
  other = made;
  other.principals.clear();
  CHECK(why(other, "web7", text) != "");
  for (const char* option : {"force-command", "verify-required"}) {
    other = made;
    other.critical_options = {option};
    CHECK(why(other, "web7", text) != "");
  }
  // Signed by somebody else in the authority's name.
  const TestKey stranger(KeyType::ecdsa_p384);
  std::string forged = encode(
      TestCertificate{.key = &key, .authority = &stranger, .principals = {"web7"}, .type = 2});
  forged.replace(forged.find(stranger.blob()), stranger.blob().size(), authority.blob());
  CHECK_FALSE(
      KnownHosts::parse(text)->check("web7", 22, *parse_certificate(forged), 150).has_value());
}

TEST_CASE("lines that are not understood count for nobody, and are counted") {
  const TestKey key(KeyType::ed25519);
  const std::string text = "# web7\n\n \t\n@other web7 " + key.line() +
                           "\nweb7 ssh-new AAAA\nweb7\n" + "web7 ssh-ed25519 AAAA\r\n" +
                           std::string(9000, 'w') + " " + key.line() + "\n  web8 " + key.line() +
                           "\r\n";
  const KnownHosts known = *KnownHosts::parse(text);
  CHECK(known.size() == 1);
  CHECK(known.fault_count() == 5);
  CHECK_FALSE(known.check("web7", 22, key_of(key)));
  CHECK(known.check("web8", 22, key_of(key)));
  CHECK(KnownHosts::parse("")->size() == 0);
}
