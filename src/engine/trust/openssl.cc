#include "engine/trust/openssl.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <memory>
#include <string>

#include "engine/base/ensure.h"
#include "engine/base/types.h"

namespace murder::trust {
namespace {

// OpenSSL 3.0 starts and fetches its methods within this. Where its start runs out of memory it
// goes on with a lock that is not there, and crashes.
constexpr size_t openssl_start_bytes = 2 * 1024 * 1024;

constexpr size_t ed25519_point_bytes = 32;
constexpr size_t ed25519_signature_bytes = 64;

template <auto release>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    release(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Release<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Release<BN_free>>;
using ParameterBuild = std::unique_ptr<OSSL_PARAM_BLD, Release<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Release<OSSL_PARAM_free>>;

const uint8_t* octets_of(std::string_view bytes) {
  return as_bytes_of(bytes).data();
}

const char* name_of(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha256:
      return "SHA256";
    case HashAlgorithm::sha384:
      return "SHA384";
    case HashAlgorithm::sha512:
      return "SHA512";
  }
  return "";
}

struct CurveFacts {
  const char* group;
  size_t coordinate_bytes;
  HashAlgorithm algorithm;  // RFC 5656, section 6.2.1
};

CurveFacts facts_of(Curve curve) {
  switch (curve) {
    case Curve::p256:
      return {"P-256", 32, HashAlgorithm::sha256};
    case Curve::p384:
      return {"P-384", 48, HashAlgorithm::sha384};
    case Curve::p521:
      return {"P-521", 66, HashAlgorithm::sha512};
  }
  return {"", 0, HashAlgorithm::sha256};
}

// `digest` is null for ed25519, which hashes by itself. The queue of errors is the thread's: nobody
// else would empty it.
bool verify_with(const Key& key, const char* digest, std::string_view signature,
                 std::string_view message) {
  const DigestContext context(EVP_MD_CTX_new());
  const bool is_right = key != nullptr && context != nullptr &&
                        EVP_DigestVerifyInit_ex(context.get(), nullptr, digest, nullptr, nullptr,
                                                key.get(), nullptr) == 1 &&
                        EVP_DigestVerify(context.get(), octets_of(signature), signature.size(),
                                         octets_of(message), message.size()) == 1;
  ERR_clear_error();
  return is_right;
}

Key key_of(const char* type, OSSL_PARAM_BLD* build) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(build));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return Key(made);
}

bool is_valid(const Key& key) {
  const KeyContext context(
      key == nullptr ? nullptr : EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  return context != nullptr && EVP_PKEY_public_check(context.get()) == 1;
}

Key ed25519_key_of(std::string_view seed) {
  return Key(
      EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, octets_of(seed), seed.size()));
}

Number number_of(std::string_view bytes) {
  return Number(BN_bin2bn(octets_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

// A length of DER (X.690): below 128 one byte, else one that says how many follow.
void append_der_length(std::string& out, size_t length) {
  ENSURE(length < 256);
  if (length >= 128) {
    out.push_back('\x81');
  }
  out.push_back(static_cast<char>(length));
}

void append_der_number(std::string& out, std::string_view digits) {
  const bool needs_zero = (static_cast<uint8_t>(digits.front()) & 0x80U) != 0;
  out.push_back('\x02');
  append_der_length(out, digits.size() + (needs_zero ? 1 : 0));
  if (needs_zero) {
    out.push_back('\0');
  }
  out.append(digits);
}

}  // namespace

Status start_openssl() {
  static const bool is_started = [] {
    void* const memory = OPENSSL_malloc(openssl_start_bytes);
    if (memory == nullptr) {
      return false;
    }
    OPENSSL_free(memory);
    // The machine's openssl.cnf has nothing to say to this.
    return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1;
  }();
  return is_started ? Status()
                    : fail(ErrorCode::limit,
                           "not enough memory to verify signatures: allow this process more "
                           "(ulimit -v, memory.max of its control group)");
}

std::string digest_of(HashAlgorithm algorithm, std::string_view bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  size_t size = 0;
  ENSURE(EVP_Q_digest(nullptr, name_of(algorithm), nullptr, bytes.data(), bytes.size(),
                      reinterpret_cast<uint8_t*>(digest.data()), &size) == 1);
  digest.resize(size);
  return digest;
}

size_t coordinate_bytes_of(Curve curve) {
  return facts_of(curve).coordinate_bytes;
}

std::string ed25519_public_key(std::string_view seed) {
  const Key key = ed25519_key_of(seed);
  std::string point(ed25519_point_bytes, '\0');
  size_t size = point.size();
  const bool is_made =
      key != nullptr &&
      EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<uint8_t*>(point.data()), &size) == 1;
  ERR_clear_error();
  return is_made ? point : std::string();
}

std::string sign_ed25519(std::string_view seed, std::string_view message) {
  const Key key = ed25519_key_of(seed);
  const DigestContext context(EVP_MD_CTX_new());
  std::string signature(ed25519_signature_bytes, '\0');
  size_t size = signature.size();
  const bool is_made = key != nullptr && context != nullptr &&
                       EVP_DigestSignInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr,
                                             key.get(), nullptr) == 1 &&
                       EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()),
                                      &size, octets_of(message), message.size()) == 1;
  ERR_clear_error();
  return is_made ? signature : std::string();
}

bool verify_ed25519(std::string_view public_key, std::string_view signature,
                    std::string_view message) {
  const Key key(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, octets_of(public_key),
                                               public_key.size()));
  return verify_with(key, nullptr, signature, message);
}

bool verify_ecdsa(Curve curve, std::string_view point, EcdsaSignature signature,
                  std::string_view message) {
  const CurveFacts facts = facts_of(curve);
  if (signature.r.empty() || signature.s.empty() || signature.r.size() > facts.coordinate_bytes ||
      signature.s.size() > facts.coordinate_bytes) {
    return false;
  }
  std::string numbers;
  append_der_number(numbers, signature.r);
  append_der_number(numbers, signature.s);
  std::string encoded = "\x30";
  append_der_length(encoded, numbers.size());
  encoded += numbers;
  const ParameterBuild build(OSSL_PARAM_BLD_new());
  if (build == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, facts.group, 0) !=
          1 ||
      OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return false;
  }
  const Key key = key_of("EC", build.get());
  const bool is_right =
      is_valid(key) && verify_with(key, name_of(facts.algorithm), encoded, message);
  ERR_clear_error();
  return is_right;
}

bool verify_rsa(const RsaKey& key, HashAlgorithm algorithm, std::string_view signature,
                std::string_view message) {
  if (signature.size() > key.modulus.size()) {
    return false;
  }
  // As long as the modulus: some sign without the zeros in front.
  const std::string padded =
      std::string(key.modulus.size() - signature.size(), '\0').append(signature);
  const Number modulus = number_of(key.modulus);
  const Number exponent = number_of(key.exponent);
  const ParameterBuild build(OSSL_PARAM_BLD_new());
  if (modulus == nullptr || exponent == nullptr || build == nullptr ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return false;
  }
  const bool is_right =
      verify_with(key_of("RSA", build.get()), name_of(algorithm), padded, message);
  ERR_clear_error();
  return is_right;
}

}  // namespace murder::trust
