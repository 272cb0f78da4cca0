#include "engine/tls/session.h"

#include <algorithm>
#include <array>

#include "engine/base/ensure.h"

namespace murder::tls {
namespace {

using Direction = RecordCipher::Direction;

// RFC 8446, sections 4 and 6.
constexpr uint8_t message_new_session_ticket = 4;
constexpr uint8_t message_key_update = 24;
constexpr uint8_t update_not_requested = 0;
constexpr uint8_t update_requested = 1;
constexpr size_t message_head_bytes = 4;  // of a handshake message: type, length
// Of a record that is no data: a ticket of the largest server is shorter.
constexpr size_t control_bytes_max = 2048;

template <size_t Size>
Segments segments_over(std::array<uint8_t, Size>& bytes, iovec& segment) {
  segment = {bytes.data(), bytes.size()};
  return Segments({&segment, 1});
}

}  // namespace

Session::Session(const Context& context, Role role, const trust::Secret& key,
                 const Options& options)
    : role_(role), options_(options), handshake_(std::make_unique<Handshake>(context, role, key)) {
  if (handshake_->state() == Handshake::State::failed) {
    fail();
  }
}

void Session::fail() {
  state_ = State::failed;
  owes_update_ = false;
  handshake_.reset();
}

// --- handshaking ---------------------------------------------------------------------------------

size_t Session::shake(std::span<const uint8_t> bytes) {
  if (state_ != State::handshaking) {
    return 0;
  }
  const size_t taken = handshake_->take(bytes);
  if (handshake_->state() == Handshake::State::failed) {
    fail();
  } else if (handshake_->state() == Handshake::State::done) {
    use(handshake_->traffic());
  }
  return taken;
}

void Session::use(const Traffic& traffic) {
  traffic_ = traffic;
  const bool is_client = role_ == Role::client;
  sealer_ = RecordCipher::create(traffic.suite, Direction::seals,
                                 is_client ? traffic.client : traffic.server);
  opener_ = RecordCipher::create(traffic.suite, Direction::opens,
                                 is_client ? traffic.server : traffic.client);
  if (!sealer_ || !opener_) {
    fail();
    return;
  }
  state_ = State::open;
}

std::vector<uint8_t> Session::take_output() {
  if (handshake_ == nullptr) {
    return {};
  }
  std::vector<uint8_t> output = handshake_->take_output();
  if (state_ == State::open) {
    handshake_.reset();
  }
  return output;
}

// --- what comes ----------------------------------------------------------------------------------

size_t Session::whole_record(std::span<const uint8_t> bytes) {
  if (state_ != State::open || bytes.size() < limits::tls_record_head_bytes) {
    return 0;
  }
  const RecordHead head = decode_record_head(bytes.first<limits::tls_record_head_bytes>());
  if (!is_sealed_head(head) || opener_->record_count() >= limits::tls_records_per_key_max) {
    fail();
    return 0;
  }
  const size_t size = limits::tls_record_head_bytes + head.body_bytes;
  return size <= bytes.size() ? size : 0;
}

size_t Session::open(std::span<const uint8_t> record, Segments into) {
  ENSURE(state_ == State::open);
  const std::optional<RecordCipher::Opened> opened = opener_->open(record, into);
  if (!opened || opened->size_bytes > limits::tls_plain_bytes_max) {
    fail();
    return 0;
  }
  const bool is_data = opened->type == static_cast<uint8_t>(ContentType::application_data);
  if (is_data && opened->size_bytes > 0) {
    idle_records_ = 0;
    return opened->size_bytes;
  }
  if (++idle_records_ > limits::tls_idle_records_max) {
    fail();
  } else if (!is_data) {
    take_control(*opened, into);
  }
  return 0;
}

void Session::take_control(RecordCipher::Opened opened, Segments content) {
  std::vector<uint8_t> bytes;
  if (opened.size_bytes == 0 || opened.size_bytes > control_bytes_max) {
    fail();
    return;
  }
  content.each(opened.size_bytes, [&](std::span<const uint8_t> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return true;
  });
  if (opened.type == static_cast<uint8_t>(ContentType::handshake)) {
    take_handshake_messages(bytes);
    return;
  }
  // Whatever else an alert says, the connection is over.
  const bool is_end = opened.type == static_cast<uint8_t>(ContentType::alert) &&
                      bytes.size() == end_alert.size() && bytes[1] == end_alert[1];
  if (is_end) {
    state_ = State::ended;
  } else {
    fail();
  }
}

// Messages are not spread over records here: what follows a handshake is short.
void Session::take_handshake_messages(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    if (bytes.size() < message_head_bytes) {
      fail();
      return;
    }
    const uint8_t type = bytes[0];
    const size_t size =
        static_cast<size_t>(bytes[1]) << 16U | static_cast<size_t>(bytes[2]) << 8U | bytes[3];
    bytes = bytes.subspan(message_head_bytes);
    if (size > bytes.size()) {
      fail();
      return;
    }
    const std::span<const uint8_t> body = bytes.first(size);
    bytes = bytes.subspan(size);
    if (type == message_new_session_ticket) {
      continue;
    }
    // The key changes with the record: nothing else may be in it.
    const bool is_update =
        type == message_key_update && size == 1 && bytes.empty() && body[0] <= update_requested;
    if (!is_update) {
      fail();
      return;
    }
    follow_key_update(body[0]);
  }
}

void Session::follow_key_update(uint8_t request) {
  const bool owes_answer = request == update_requested;
  if (!opener_ || (owes_answer && !sealer_)) {
    state_ = State::used_up;
  } else if (opener_->take_next_key()) {
    owes_update_ |= owes_answer;
  } else {
    fail();
  }
}

// --- what a kernel has ---------------------------------------------------------------------------

void Session::let_go_of_sealing() {
  ENSURE(!owes_update_);
  sealer_.reset();
}

void Session::take_opened(uint8_t type, Segments content, size_t size_bytes) {
  ENSURE(state_ == State::open && !opener_);
  if (++idle_records_ > limits::tls_idle_records_max) {
    fail();
  } else {
    take_control({type, size_bytes}, content);
  }
}

// --- what leaves ---------------------------------------------------------------------------------

size_t Session::seal_update(std::span<uint8_t> out) {
  std::array<uint8_t, message_head_bytes + 1> message = {message_key_update, 0, 0, 1,
                                                         update_not_requested};
  iovec segment{};
  Segments plain = segments_over(message, segment);
  const size_t size = sealer_->seal(ContentType::handshake, plain, message.size(), out);
  owes_update_ = false;
  return sealer_->take_next_key() ? size : 0;
}

Session::Sealed Session::seal(Segments plain, std::span<uint8_t> out) {
  ENSURE(state_ != State::open || sealer_);
  Sealed sealed;
  while (state_ == State::open) {
    const std::span<uint8_t> room = out.subspan(sealed.out_bytes);
    const bool is_key_used_up = sealer_->sealed_bytes() >= options_.rekey_bytes ||
                                sealer_->record_count() >= limits::tls_rekey_records;
    const bool is_update = owes_update_ || (is_key_used_up && !plain.front().empty());
    const size_t room_bytes =
        room.size() > limits::tls_overhead_bytes ? room.size() - limits::tls_overhead_bytes : 0;
    const size_t size_bytes = plain.size_up_to(std::min(room_bytes, limits::tls_plain_bytes_max));
    if (is_update ? room_bytes < message_head_bytes + 1 : size_bytes == 0) {
      break;
    }
    const size_t written =
        is_update ? seal_update(room)
                  : sealer_->seal(ContentType::application_data, plain, size_bytes, room);
    if (written == 0) {
      fail();
      break;
    }
    sealed.out_bytes += written;
    sealed.plain_bytes += is_update ? 0 : size_bytes;
  }
  return sealed;
}

size_t Session::seal_end(std::span<uint8_t> out) {
  if (state_ != State::open || !sealer_) {
    return 0;
  }
  std::array<uint8_t, 2> alert = end_alert;
  iovec segment{};
  Segments plain = segments_over(alert, segment);
  state_ = State::ended;
  return sealer_->seal(ContentType::alert, plain, alert.size(), out);
}

}  // namespace murder::tls
