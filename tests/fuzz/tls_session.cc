// Fuzzes what an encrypted link receives: whatever comes that the other side did not send, not a
// byte of data is taken, and before the key is proven a stranger is not answered. What a bad member
// puts into right records is bounded. The input's first byte chooses the place, the second the size
// of the parts it comes in.

#include <algorithm>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/node/link_cipher.h"

using namespace murder;
using node::LinkCipher;

namespace {

using Bytes = std::span<const uint8_t>;

const tls::Context& context() {
  static const auto made = std::move(*tls::Context::create(true));
  return *made;
}

const trust::SwarmKeys& keys() {
  static const trust::SwarmKeys made = [] {
    trust::KeyPair pair{.count = 2};
    pair.secrets[1].fill(1);
    return trust::swarm_keys_of(pair, InfoHash{});
  }();
  return made;
}

trust::Nonce nonce(uint8_t fill) {
  trust::Nonce made{};
  made.fill(fill);
  return made;
}

// What was opened.
size_t give(LinkCipher& cipher, Bytes bytes, size_t part) {
  size_t opened = 0;
  while (!bytes.empty()) {
    const std::span<uint8_t> room = cipher.input_room();
    const size_t size = std::min({room.size(), bytes.size(), part});
    std::copy_n(bytes.begin(), size, room.begin());
    bytes = bytes.subspan(size);
    cipher.received(size);
    std::array<uint8_t, 700> memory{};
    const iovec segment{memory.data(), memory.size()};
    while (const size_t more = cipher.open({&segment, 1})) {
      opened += more;
    }
    if (cipher.state() != LinkCipher::State::proving && !cipher.is_open()) {
      break;  // the link ends
    }
  }
  return opened;
}

// From `from` to `to`, once.
void pass(LinkCipher& from, LinkCipher& to) {
  const Bytes output = from.output();
  give(to, output, SIZE_MAX);
  from.sent(output.size());
}

void instead_of_a_hello(Bytes bytes, size_t part) {
  LinkCipher acceptor(context(), keys(), LinkCipher::Role::acceptor, nonce(2));
  ENSURE(give(acceptor, bytes, part) == 0);
  ENSURE(!acceptor.is_open() && acceptor.output().empty());
}

void instead_of_an_answer(Bytes bytes, size_t part) {
  LinkCipher dialler(context(), keys(), LinkCipher::Role::dialler, nonce(1));
  dialler.sent(dialler.output().size());
  ENSURE(give(dialler, bytes, part) == 0);
  ENSURE(!dialler.is_open() && dialler.output().empty());
}

void instead_of_a_handshake(bool to_acceptor, Bytes bytes, size_t part) {
  LinkCipher dialler(context(), keys(), LinkCipher::Role::dialler, nonce(1));
  LinkCipher acceptor(context(), keys(), LinkCipher::Role::acceptor, nonce(2));
  pass(dialler, acceptor);
  pass(acceptor, dialler);
  LinkCipher& attacked = to_acceptor ? acceptor : dialler;
  ENSURE(give(attacked, bytes, part) == 0);
  ENSURE(!attacked.is_open());
}

// Of an open connection: bytes that nobody sealed.
void instead_of_records(Bytes bytes) {
  tls::Session session(tls::Role::server, tls::Traffic{}, {});
  if (const size_t size = session.whole_record(bytes)) {
    std::vector<uint8_t> room(tls::Session::room_for(bytes.first(size)) + 1);
    const iovec segment{room.data(), room.size()};
    ENSURE(session.open(bytes.first(size), tls::Segments({&segment, 1})) == 0);
    ENSURE(session.state() == tls::Session::State::failed);
  }
}

// Of a member: [type, size] and content, sealed as they should be.
void of_a_bad_member(Bytes bytes) {
  tls::Session session(tls::Role::server, tls::Traffic{}, {});
  auto sealer = tls::RecordCipher::create({}, tls::RecordCipher::Direction::seals, {});
  while (bytes.size() >= 2 && session.state() == tls::Session::State::open) {
    const auto type = static_cast<tls::ContentType>(bytes[0]);
    const size_t size = std::min<size_t>(bytes[1], bytes.size() - 2);
    std::vector<uint8_t> content(bytes.begin() + 2,
                                 bytes.begin() + 2 + static_cast<std::ptrdiff_t>(size));
    bytes = bytes.subspan(2 + size);
    std::vector<uint8_t> record(size + limits::tls_overhead_bytes);
    const iovec from{content.data(), content.size()};
    tls::Segments plain({&from, 1});
    ENSURE(sealer->seal(type, plain, size, record) == record.size());
    ENSURE(session.whole_record(record) == record.size());
    std::vector<uint8_t> room(size + 1);
    const iovec into{room.data(), room.size()};
    const size_t opened = session.open(record, tls::Segments({&into, 1}));
    ENSURE(opened <= size);
    ENSURE(opened == 0 ||
           std::equal(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(opened),
                      content.begin()));
    std::array<uint8_t, 64> out{};
    ENSURE(session.seal(tls::Segments({}), out).plain_bytes == 0);
    ENSURE(!session.owes_record());
  }
}

// Of a bad member, where a kernel opens: what it says of records that are no data.
void opened_by_a_kernel(Bytes bytes) {
  tls::Session session(tls::Role::server, tls::Traffic{}, {});
  session.let_go_of_opening();
  while (bytes.size() >= 2 && session.state() == tls::Session::State::open) {
    const uint8_t type = bytes[0];
    const size_t size = std::min<size_t>(bytes[1], bytes.size() - 2);
    std::vector<uint8_t> content(bytes.begin() + 2,
                                 bytes.begin() + 2 + static_cast<std::ptrdiff_t>(size));
    bytes = bytes.subspan(2 + size);
    const iovec into{content.data(), content.size()};
    session.take_opened(type, tls::Segments({&into, 1}), size);
    ENSURE(!session.owes_record());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) {
    return 0;
  }
  const size_t part = size_t{1} + data[1];
  const Bytes bytes = Bytes(data, size).subspan(2);
  switch (data[0] % 7) {
    case 0:
      instead_of_a_hello(bytes, part);
      break;
    case 1:
      instead_of_an_answer(bytes, part);
      break;
    case 2:
      instead_of_a_handshake(true, bytes, part);
      break;
    case 3:
      instead_of_a_handshake(false, bytes, part);
      break;
    case 4:
      instead_of_records(bytes);
      break;
    case 5:
      of_a_bad_member(bytes);
      break;
    default:
      opened_by_a_kernel(bytes);
      break;
  }
  return 0;
}
