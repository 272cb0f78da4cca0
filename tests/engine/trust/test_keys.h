// Private keys for tests of what verifies signatures: they sign as ssh-keygen, an agent and a token
// do, and as none of them would.
#pragma once

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/trust/openssl.h"
#include "engine/trust/public_key.h"
#include "engine/trust/wire.h"

namespace murder::trust::test {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

// How a token answers.
struct TokenAnswer {
  uint8_t flags = 0x01;  // touched
  uint32_t counter = 7;
};

class TestKey {
 public:
  explicit TestKey(KeyType type, unsigned rsa_bits = 2048);

  [[nodiscard]] KeyType type() const { return type_; }
  // As in a file of a public key: the wire form.
  [[nodiscard]] std::string blob() const;
  [[nodiscard]] std::string line() const;  // "ssh-ed25519 AAAA..."
  // What ssh calls a signature of the data.
  [[nodiscard]] std::string sign(std::string_view data, TokenAnswer answer = {},
                                 std::string_view rsa_algorithm = "rsa-sha2-512") const;
  // Everything of a public key but the name of its type.
  [[nodiscard]] std::string fields() const;

 private:
  [[nodiscard]] std::string raw_sign(std::string_view data, const char* digest) const;

  KeyType type_;
  std::unique_ptr<EVP_PKEY, FreeKey> key_;
  std::string application_ = "ssh:";
};

struct TestCertificate {
  const TestKey* key = nullptr;
  const TestKey* authority = nullptr;
  std::string key_id = "the key id";
  std::vector<std::string> principals = {"ann"};
  uint64_t valid_after = 0;
  uint64_t valid_before = UINT64_MAX;
  uint32_t type = 1;
  std::vector<std::string> critical_options;
  std::string surplus;  // behind all of it
};
[[nodiscard]] std::string encode(const TestCertificate& certificate);

// What goes into a SSHSIG blob; a test changes what it is about.
struct TestSignature {
  std::string key;  // wire form of the key or certificate
  std::string name_space = "murder-release";
  std::string reserved;
  std::string hash = "sha512";
  std::string signature;
  uint32_t version = 1;
  std::string surplus;
};
[[nodiscard]] std::string encode(const TestSignature& signature);

// All of it done right, by a key or by the certificate of it.
[[nodiscard]] std::string signature_blob(const TestKey& key, std::string_view message,
                                         const std::string& certificate = {},
                                         TokenAnswer answer = {},
                                         const std::string& name_space = "murder-release",
                                         const std::string& hash = "sha512");

}  // namespace murder::trust::test
