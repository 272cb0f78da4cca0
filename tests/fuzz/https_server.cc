// Fuzzes what an https client is told before it knows the server: whatever comes, the connection
// does not open, and not a byte is taken for data. The first byte is the size of the parts.

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/tls/client_stream.h"

using namespace murder;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::span<const uint8_t> bytes(data, size);
  if (bytes.empty()) {
    return 0;
  }
  const size_t part = size_t{1} + bytes[0] * size_t{16};
  bytes = bytes.subspan(1);
  auto stream = tls::ClientStream::create("server.example", {tls::KeyPin{}});
  ENSURE(stream.has_value());
  std::vector<uint8_t> plain;
  while (!bytes.empty()) {
    const size_t taken = std::min(part, bytes.size());
    stream->take(bytes.first(taken), plain);
    bytes = bytes.subspan(taken);
    static_cast<void>(stream->take_output());
  }
  ENSURE(plain.empty());
  ENSURE(stream->state() == tls::ClientStream::State::handshaking ||
         stream->state() == tls::ClientStream::State::failed);
  return 0;
}
