// OpenSSL's SHA-1 as a kernel of one lane. Its digest interface hides the state between blocks,
// which Streams passes from kernel to kernel; the older one shows it.
#include <openssl/sha.h>

#include "families.h"
#include "require.h"

// OpenSSL 3 calls these deprecated.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace shalanes {
namespace {

void advance_by_openssl(Sha1::State* states, const uint8_t* const* inputs, size_t block_count) {
  Sha1::State& state = states[0];
  SHA_CTX context{};
  context.h0 = state[0];
  context.h1 = state[1];
  context.h2 = state[2];
  context.h3 = state[3];
  context.h4 = state[4];
  SHALANES_REQUIRE(SHA1_Update(&context, inputs[0], block_count * Sha1::block_bytes) == 1);
  state = {context.h0, context.h1, context.h2, context.h3, context.h4};
}

}  // namespace

template <>
Kernel<Sha1> openssl_kernel<Sha1>() {
  return {.family = openssl_family, .lanes = 1, .advance = advance_by_openssl};
}

}  // namespace shalanes

#pragma GCC diagnostic pop
