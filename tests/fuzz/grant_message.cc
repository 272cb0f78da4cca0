// Fuzzes the message by which our own peers grant each other pieces.
#include <algorithm>
#include <span>

#include "engine/base/ensure.h"
#include "engine/codec/grant_message.h"

using namespace murder::codec;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> input(data, size);
  const auto message = decode_grant_message(input);
  ENSURE(message.has_value() == (size == grant_message_bytes));
  if (message) {
    const auto wire = encode_grant_message(*message);
    ENSURE(std::equal(wire.begin(), wire.end(), input.begin(), input.end()));
  }
  return 0;
}
