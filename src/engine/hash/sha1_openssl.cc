// OpenSSL's SHA-1 as a kernel of one lane. Its digest interface hides the state between blocks,
// which PieceStreams passes from kernel to kernel; the older one shows it.
#include <openssl/sha.h>

#include "engine/base/ensure.h"
#include "engine/hash/sha1_choice.h"

// OpenSSL 3 calls these deprecated.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace murder::hash {
namespace {

void advance(Sha1State* states, const uint8_t* const* inputs, size_t block_count) {
  Sha1State& state = states[0];
  SHA_CTX context{};
  context.h0 = state[0];
  context.h1 = state[1];
  context.h2 = state[2];
  context.h3 = state[3];
  context.h4 = state[4];
  ENSURE(SHA1_Update(&context, inputs[0], block_count * sha1_block_bytes) == 1);
  state = {context.h0, context.h1, context.h2, context.h3, context.h4};
}

}  // namespace

Sha1Kernel sha1_kernel_openssl() {
  return {.name = "openssl", .lanes = 1, .advance = advance};
}

}  // namespace murder::hash

#pragma GCC diagnostic pop
