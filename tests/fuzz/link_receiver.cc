// Fuzzes what a link receives: any bytes, cut anywhere, with places predicted for answers. What
// comes of them must be what a plain reader makes of them.
//
// Input: one byte with the number of requests that are out, two bytes each for their sizes, one
// byte with the number of cuts, one byte for each of them (they are used over and over), then what
// the peer sends behind its handshake, or with the uppermost bit of the first byte from there on.

#include <span>
#include <vector>

#include "../engine/node/receiver_driver.h"
#include "engine/base/ensure.h"

using namespace murder;
using namespace murder::test;

namespace {

constexpr uint32_t block_bytes_max = 2048;

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(data, size) {}
  uint8_t byte() {
    if (rest_.empty()) {
      return 0;
    }
    const uint8_t value = rest_[0];
    rest_ = rest_.subspan(1);
    return value;
  }
  [[nodiscard]] std::span<const uint8_t> rest() const { return rest_; }

 private:
  std::span<const uint8_t> rest_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const uint8_t first = input.byte();
  AskedBlocks asked;
  for (uint32_t count = first & 0x7fU; count > 0; --count) {
    const uint32_t high = input.byte();
    asked.ask(1 + (high << 8U | input.byte()) % block_bytes_max);
  }
  std::vector<size_t> cuts(1 + input.byte() % 16);
  for (size_t& cut : cuts) {
    cut = 1 + input.byte();
  }
  std::vector<uint8_t> wire;
  if ((first & 0x80U) == 0) {
    wire.resize(codec::handshake_bytes);
    codec::encode_handshake({}, std::span(wire).first<codec::handshake_bytes>());
  }
  wire.insert(wire.end(), input.rest().begin(), input.rest().end());

  const std::vector<std::string> expected = read_plainly(wire, asked);
  ReceiverDriver whole(asked);
  ReceiverDriver in_parts(asked);
  std::span<const uint8_t> rest = wire;
  while (!rest.empty() && !whole.has_failed()) {
    rest = rest.subspan(whole.receive(rest, SIZE_MAX));
  }
  rest = wire;
  for (size_t turn = 0; !rest.empty() && !in_parts.has_failed(); ++turn) {
    // A large cut now and then, so that several blocks come at once.
    const size_t cut = cuts[turn % cuts.size()];
    rest = rest.subspan(in_parts.receive(rest, cut > 200 ? cut * 64 : cut));
  }
  ENSURE(whole.trace == expected);
  ENSURE(in_parts.trace == expected);
  return 0;
}
