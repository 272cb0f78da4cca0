// Fuzzes signatures of ssh-keygen, the keys and certificates in them, their armour and files: what
// is accepted can be verified (and is not right), and is written as it was read.

#include <cstdint>
#include <string>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/trust/certificate.h"
#include "engine/trust/signature_file.h"
#include "engine/trust/ssh_signature.h"
#include "engine/trust/verify_release.h"

using namespace murder;
using namespace murder::trust;

namespace {

void try_key(std::string_view blob, std::string_view signature) {
  if (const Result<PublicKey> key = parse_public_key(blob)) {
    ENSURE(key->blob == blob);
    static_cast<void>(verify_signature(*key, signature, "a text"));
  }
  if (const Result<Certificate> certificate = parse_certificate(blob)) {
    ENSURE(parse_public_key(certificate->key.blob) == certificate->key);
    static_cast<void>(verify_certificate(*certificate, 1'800'000'000));
    static_cast<void>(verify_signature(certificate->key, signature, "a text"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool is_started = start_openssl().has_value();
  ENSURE(is_started);
  const std::string_view input = as_text_of({data, size});
  if (const Result<SshSignature> signature = parse_ssh_signature(input)) {
    try_key(signature->key, signature->signature);
    static_cast<void>(inspect_signature("a text", input, "murder-release"));
    ENSURE(remove_armour(add_armour(input)) == std::string(input));
  }
  try_key(input, input);
  if (const Result<codec::SignedStatement> file = parse_signature_file(input)) {
    ENSURE(parse_signature_file(encode_signature_file(*file)) == *file);
  }
  if (const Result<std::string> blob = remove_armour(input)) {
    ENSURE(remove_armour(add_armour(*blob)) == *blob);
  }
  return 0;
}
