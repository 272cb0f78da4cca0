#include "engine/hash/sha1.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "engine/base/allocation.h"
#include "engine/base/ensure.h"

namespace murder::hash {
namespace {

// OpenSSL 3.0 fetches its first method within this. Where its start runs out of memory it goes on
// with a lock that is not there, and crashes.
constexpr size_t openssl_start_bytes = 1024 * 1024;

void require_memory_to_start_openssl() {
  void* const memory = OPENSSL_malloc(openssl_start_bytes);
  require_memory(memory != nullptr);
  OPENSSL_free(memory);
}

// Looked up once: an implicit look-up costs more than hashing a short input (OpenSSL 3).
const EVP_MD* sha1_method() {
  static const EVP_MD* const method = [] {
    require_memory_to_start_openssl();
    // The machine's openssl.cnf has nothing to say to this, and to read it takes a millisecond.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    return EVP_MD_fetch(nullptr, "SHA1", nullptr);
  }();
  require_memory(method != nullptr);  // it is in OpenSSL's default provider, which is built in
  return method;
}

}  // namespace

void Sha1Stream::Free::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

Sha1Stream::Sha1Stream() : context_(EVP_MD_CTX_new()) {
  require_memory(context_ != nullptr);
  require_memory(EVP_DigestInit_ex2(context_.get(), sha1_method(), nullptr) == 1);
}

void Sha1Stream::update(std::span<const uint8_t> bytes) {
  ENSURE(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

Sha1Digest Sha1Stream::finish() {
  Sha1Digest digest;
  ENSURE(EVP_DigestFinal_ex(context_.get(), digest.bytes.data(), nullptr) == 1);
  ENSURE(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);
  return digest;
}

Sha1Digest sha1(std::span<const uint8_t> bytes) {
  Sha1Stream stream;
  stream.update(bytes);
  return stream.finish();
}

}  // namespace murder::hash
