#include "test_keys.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/trust/base64.h"

namespace murder::trust::test {
namespace {

void append_number(std::string& out, const BIGNUM* number) {
  std::string bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<uint8_t*>(bytes.data()));
  if (!bytes.empty() && (static_cast<uint8_t>(bytes.front()) & 0x80U) != 0) {
    bytes.insert(bytes.begin(), '\0');
  }
  append_string(out, bytes);
}

EVP_PKEY* make_key(KeyType type, unsigned rsa_bits) {
  switch (type) {
    case KeyType::ed25519:
    case KeyType::token_ed25519:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case KeyType::rsa:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<size_t>(rsa_bits));
    case KeyType::ecdsa_p384:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384");
    case KeyType::ecdsa_p521:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521");
    default:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  }
}

std::string point_of(EVP_PKEY* key, bool is_curve) {
  std::string point(256, '\0');
  size_t size = point.size();
  if (is_curve) {
    ENSURE(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
                                           reinterpret_cast<uint8_t*>(point.data()), point.size(),
                                           &size) == 1);
  } else {
    ENSURE(EVP_PKEY_get_raw_public_key(key, reinterpret_cast<uint8_t*>(point.data()), &size) == 1);
  }
  point.resize(size);
  return point;
}

std::string number_of(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  ENSURE(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  std::string text;
  append_number(text, number);
  BN_free(number);
  return text;
}

// r and s of a signature in DER.
std::string numbers_of(const std::string& der) {
  const auto* begin = reinterpret_cast<const uint8_t*>(der.data());
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &begin, static_cast<long>(der.size()));
  ENSURE(signature != nullptr);
  std::string numbers;
  append_number(numbers, ECDSA_SIG_get0_r(signature));
  append_number(numbers, ECDSA_SIG_get0_s(signature));
  ECDSA_SIG_free(signature);
  return numbers;
}

bool is_token(KeyType type) {
  return type == KeyType::token_ed25519 || type == KeyType::token_ecdsa_p256;
}

std::string_view curve_name(KeyType type) {
  return type == KeyType::ecdsa_p384   ? "nistp384"
         : type == KeyType::ecdsa_p521 ? "nistp521"
                                       : "nistp256";
}

const char* digest_name(KeyType type) {
  return type == KeyType::ecdsa_p384 ? "SHA384" : type == KeyType::ecdsa_p521 ? "SHA512" : "SHA256";
}

void append_uint64(std::string& out, uint64_t value) {
  append_uint32(out, static_cast<uint32_t>(value >> 32U));
  append_uint32(out, static_cast<uint32_t>(value));
}

}  // namespace

TestKey::TestKey(KeyType type, unsigned rsa_bits) : type_(type), key_(make_key(type, rsa_bits)) {
  ENSURE(key_ != nullptr);
}

std::string TestKey::fields() const {
  std::string text;
  if (type_ == KeyType::rsa) {
    return number_of(key_.get(), OSSL_PKEY_PARAM_RSA_E) +
           number_of(key_.get(), OSSL_PKEY_PARAM_RSA_N);
  }
  const bool is_curve = type_ != KeyType::ed25519 && type_ != KeyType::token_ed25519;
  if (is_curve) {
    append_string(text, curve_name(type_));
  }
  append_string(text, point_of(key_.get(), is_curve));
  if (is_token(type_)) {
    append_string(text, application_);
  }
  return text;
}

std::string TestKey::blob() const {
  std::string text;
  append_string(text, name_of(type_));
  return text + fields();
}

std::string TestKey::line() const {
  return std::string(name_of(type_)) + " " + encode_base64(blob());
}

std::string TestKey::raw_sign(std::string_view data, const char* digest) const {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const auto* octets = as_bytes_of(data).data();
  size_t size = 0;
  ENSURE(EVP_DigestSignInit_ex(context, nullptr, digest, nullptr, nullptr, key_.get(), nullptr) ==
         1);
  ENSURE(EVP_DigestSign(context, nullptr, &size, octets, data.size()) == 1);
  std::string signature(size, '\0');
  ENSURE(EVP_DigestSign(context, reinterpret_cast<uint8_t*>(signature.data()), &size, octets,
                        data.size()) == 1);
  signature.resize(size);
  EVP_MD_CTX_free(context);
  return signature;
}

std::string TestKey::sign(std::string_view data, TokenAnswer answer,
                          std::string_view rsa_algorithm) const {
  std::string text;
  if (type_ == KeyType::rsa) {
    const char* digest = rsa_algorithm == "rsa-sha2-512"   ? "SHA512"
                         : rsa_algorithm == "rsa-sha2-256" ? "SHA256"
                                                           : "SHA1";
    append_string(text, rsa_algorithm);
    append_string(text, raw_sign(data, digest));
    return text;
  }
  std::string signed_bytes(data);
  if (is_token(type_)) {
    signed_bytes = digest_of(HashAlgorithm::sha256, application_);
    signed_bytes.push_back(static_cast<char>(answer.flags));
    append_uint32(signed_bytes, answer.counter);
    signed_bytes += digest_of(HashAlgorithm::sha256, data);
  }
  append_string(text, name_of(type_));
  const bool is_edwards = type_ == KeyType::ed25519 || type_ == KeyType::token_ed25519;
  append_string(text, is_edwards ? raw_sign(signed_bytes, nullptr)
                                 : numbers_of(raw_sign(signed_bytes, digest_name(type_))));
  if (is_token(type_)) {
    text.push_back(static_cast<char>(answer.flags));
    append_uint32(text, answer.counter);
  }
  return text;
}

std::string encode(const TestCertificate& certificate) {
  const std::string_view name = name_of(certificate.key->type());
  std::string text;
  append_string(text, std::string(name.substr(0, name.find('@'))) + "-cert-v01@openssh.com");
  append_string(text, "a nonce");
  text += certificate.key->fields();
  append_uint64(text, 42);
  append_uint32(text, certificate.type);
  append_string(text, certificate.key_id);
  std::string principals;
  for (const std::string& principal : certificate.principals) {
    append_string(principals, principal);
  }
  append_string(text, principals);
  append_uint64(text, certificate.valid_after);
  append_uint64(text, certificate.valid_before);
  std::string options;
  for (const std::string& option : certificate.critical_options) {
    append_string(options, option);
    append_string(options, "");
  }
  append_string(text, options);
  append_string(text, "");  // extensions
  append_string(text, "");  // reserved
  append_string(text, certificate.authority->blob());
  append_string(text, certificate.authority->sign(text));
  return text + certificate.surplus;
}

std::string encode(const TestSignature& signature) {
  std::string text = "SSHSIG";
  append_uint32(text, signature.version);
  append_string(text, signature.key);
  append_string(text, signature.name_space);
  append_string(text, signature.reserved);
  append_string(text, signature.hash);
  append_string(text, signature.signature);
  return text + signature.surplus;
}

std::string signature_blob(const TestKey& key, std::string_view message,
                           const std::string& certificate, TokenAnswer answer,
                           const std::string& name_space, const std::string& hash) {
  std::string data = "SSHSIG";
  append_string(data, name_space);
  append_string(data, "");
  append_string(data, hash);
  append_string(
      data, digest_of(hash == "sha256" ? HashAlgorithm::sha256 : HashAlgorithm::sha512, message));
  return encode(TestSignature{.key = certificate.empty() ? key.blob() : certificate,
                              .name_space = name_space,
                              .hash = hash,
                              .signature = key.sign(data, answer)});
}

}  // namespace murder::trust::test
