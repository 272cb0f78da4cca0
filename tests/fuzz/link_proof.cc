// Fuzzes what a link of a closed swarm receives before it is open: nothing but what the other side
// made of its key is ever taken, in parts of any size. The input's first byte chooses the side and
// how far the exchange is, the second the size of the parts.

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/node/link_proof.h"
#include "engine/node/link_receiver.h"

using namespace murder;
using node::LinkProof;
using node::LinkReceiver;

namespace {

trust::Nonce nonce(uint8_t fill) {
  trust::Nonce made{};
  made.fill(fill);
  return made;
}

const trust::SwarmKeys& keys() {
  static const trust::SwarmKeys made = [] {
    trust::KeyPair pair{.count = 2};
    pair.secrets[1].fill(1);
    return trust::swarm_keys_of(pair, InfoHash{});
  }();
  return made;
}

// A receiver that was given `bytes`; what it makes of them.
LinkReceiver::Event receive(LinkReceiver& receiver, std::span<const uint8_t> bytes, size_t part) {
  while (!bytes.empty()) {
    receiver.begin_segments();
    const std::span<iovec> segments = receiver.end_segments(part);
    const size_t size = std::min(segments[0].iov_len, bytes.size());
    std::copy_n(bytes.begin(), size, static_cast<uint8_t*>(segments[0].iov_base));
    bytes = bytes.subspan(size);
    receiver.received(size);
    const LinkReceiver::Event event = receiver.next();
    if (event.kind != LinkReceiver::Event::Kind::none) {
      return event;
    }
  }
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) {
    return 0;
  }
  const bool is_dialler = (data[0] & 1U) != 0;
  const bool is_answered = (data[0] & 2U) != 0;
  const size_t part = size_t{1} + data[1];
  const std::span<const uint8_t> bytes = std::span(data, size).subspan(2);

  LinkProof own(keys(), is_dialler ? LinkProof::Role::dialler : LinkProof::Role::acceptor,
                nonce(1));
  LinkProof other(keys(), is_dialler ? LinkProof::Role::acceptor : LinkProof::Role::dialler,
                  nonce(2));
  const codec::Handshake handshake{};
  trust::Frame right{};
  if (is_dialler) {
    ENSURE(!own.send(handshake));
    right = *other.take(own.hello()).answer;
  } else {
    ENSURE(!other.send(handshake));
    right = other.hello();
  }
  std::vector<uint8_t> expected(right.begin(), right.end());
  // An acceptor takes a hello by either key.
  trust::SwarmKeys swapped = keys();
  std::swap(swapped.keys[0], swapped.keys[1]);
  LinkProof second(swapped, LinkProof::Role::dialler, nonce(2));
  const trust::Frame also_right = second.hello();
  const bool is_hello = !is_dialler && !is_answered;
  if (is_answered) {
    const LinkProof::Taken taken = own.take(right);
    ENSURE(taken.is_right);
    const LinkProof::Sealed sealed =
        is_dialler ? *other.send(handshake) : *other.take(*taken.answer).sealed;
    expected.assign(sealed.begin(), sealed.end());
  }
  std::vector<uint8_t> scratch(8192);
  LinkReceiver receiver({.bitfield_bytes_max = 64, .scratch = scratch, .waste = scratch});
  receiver.await_proof(own.awaited_bytes(), own.awaited_head());
  const LinkReceiver::Event event = receive(receiver, bytes, part);
  if (event.kind == LinkReceiver::Event::Kind::proof) {
    ENSURE(event.proof.size() == own.awaited_bytes());
    const bool is_expected = std::ranges::equal(event.proof, expected) ||
                             (is_hello && std::ranges::equal(event.proof, also_right));
    ENSURE(own.take(event.proof).is_right == is_expected);
  } else {
    ENSURE(event.kind == LinkReceiver::Event::Kind::none ||
           event.reason == swarm::CloseReason::unproven);
  }
  return 0;
}
