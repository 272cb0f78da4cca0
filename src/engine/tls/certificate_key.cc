#include "engine/tls/certificate_key.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace murder::tls {

std::optional<KeyPin> key_of(const x509_st* certificate) {
  KeyPin pin{};
  unsigned int size = 0;
  uint8_t* der = nullptr;
  const int der_bytes = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  const bool is_hashed = der_bytes > 0 && EVP_Digest(der, static_cast<size_t>(der_bytes),
                                                     pin.data(), &size, EVP_sha256(), nullptr) == 1;
  OPENSSL_free(der);
  return is_hashed && size == pin.size() ? std::optional(pin) : std::nullopt;
}

}  // namespace murder::tls
