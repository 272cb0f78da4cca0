// How payload gets from this process to a socket.
#pragma once

#include <cstdint>

namespace murder::node {

// What the user may choose; for measuring, or for a card that likes one of them better.
enum class SendPath : uint8_t {
  automatic,  // memory while a piece is hot, splice for large blocks in the page cache, else copy
  copy,       // through memory of this process, copied to the socket
  zero_copy,  // the same memory, sent without a copy (IORING_OP_SENDMSG_ZC) where the kernel can
  splice,  // from the page cache whatever the block; what is not cached is read first, as by copy
};

}  // namespace murder::node
