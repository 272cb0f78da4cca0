#include "engine/node/link_cipher.h"

#include <algorithm>
#include <cstring>

#include "engine/base/ensure.h"

namespace murder::node {

LinkCipher::LinkCipher(const tls::Context& context, const trust::SwarmKeys& keys, Role role,
                       const trust::Nonce& nonce, const tls::Session::Options& options)
    : context_(context), options_(options), proof_(keys, role, nonce, trust::Transport::tls) {
  if (role == Role::dialler) {
    put_out(proof_.hello());
  }
}

void LinkCipher::put_out(std::span<const uint8_t> bytes) {
  if (bytes.empty()) {
    return;
  }
  const std::span<uint8_t> room = output_.room();
  ENSURE(bytes.size() <= room.size());
  std::ranges::copy(bytes, room.begin());
  output_.wrote(bytes.size());
}

// --- what comes ----------------------------------------------------------------------------------

std::span<uint8_t> LinkCipher::input_room() {
  if (opened_bytes_ == 0) {
    input_.compact();
  }
  const std::span<uint8_t> room = input_.room();
  ENSURE(!room.empty());
  return room;
}

void LinkCipher::received(size_t size_bytes) {
  input_.wrote(size_bytes);
  if (state_ == State::proving) {
    advance();
  }
}

void LinkCipher::advance() {
  if (!is_answered_) {
    take_frame();
  }
  if (state_ != State::proving || !is_answered_) {
    return;
  }
  if (session_) {
    shake();
  } else {
    take_farewell();
  }
}

// A stranger is refused by the first bytes that differ, and nothing is sent to him.
void LinkCipher::take_frame() {
  const std::span<const uint8_t> came = input_.bytes();
  const size_t looked_at = std::min(came.size(), trust::frame_begin.size());
  if (!std::ranges::equal(came.first(looked_at), std::span(trust::frame_begin).first(looked_at))) {
    state_ = State::refused;
    return;
  }
  if (came.size() < trust::frame_bytes) {
    return;
  }
  const auto frame = came.first<trust::frame_bytes>();
  const bool is_acceptor = proof_.role() == Role::acceptor;
  if (is_acceptor) {
    const std::optional<trust::Frame> answer = proof_.answer(frame);
    is_answered_ = answer.has_value();
    if (is_answered_) {
      put_out(*answer);
    }
  } else {
    is_answered_ = proof_.take_answer(frame);
  }
  input_.skip(trust::frame_bytes);
  if (!is_answered_) {
    state_ = State::refused;
  } else if (!proof_.differs()) {
    session_.emplace(context_, is_acceptor ? tls::Role::server : tls::Role::client,
                     proof_.tls_key(), options_);
  } else if (!is_acceptor) {
    is_other_transport_ = true;
    state_ = State::refused;
  }
}

// After our answer to a plain hello: a peer says farewell, a tracker only closes.
void LinkCipher::take_farewell() {
  const std::span<const uint8_t> came = input_.bytes();
  if (came.size() >= trust::mac_bytes) {
    is_other_transport_ = proof_.is_farewell(came.first<trust::mac_bytes>());
    state_ = State::refused;
  }
}

void LinkCipher::shake() {
  input_.skip(session_->shake(input_.bytes()));
  if (session_->state() == tls::Session::State::failed) {
    state_ = State::refused;
    return;
  }
  put_out(session_->take_output());
  if (session_->state() == tls::Session::State::open) {
    state_ = State::open;
  }
}

void LinkCipher::follow_session() {
  if (session_->state() == tls::Session::State::failed) {
    state_ = State::failed;
  } else if (session_->state() == tls::Session::State::ended) {
    state_ = State::ended;
  } else if (session_->state() == tls::Session::State::used_up) {
    state_ = State::used_up;
  }
}

size_t LinkCipher::open(std::span<const iovec> into) {
  tls::Segments segments(into);
  size_t filled = 0;
  while (state_ == State::open && !segments.front().empty()) {
    if (opened_bytes_ > 0) {
      filled += copy_opened(segments);
      continue;
    }
    const std::span<uint8_t> came = input_.bytes();
    const size_t size = session_->whole_record(came);
    if (size == 0) {
      follow_session();
      break;
    }
    filled += open_record(segments, came.first(size));
  }
  received_bytes_ += filled;
  return filled;
}

size_t LinkCipher::open_record(tls::Segments& into, std::span<const uint8_t> record) {
  const size_t room = tls::Session::room_for(record);
  const bool fits = into.size_up_to(room) == room;
  if (!fits) {
    uint8_t* const body = input_.bytes().data() + limits::tls_record_head_bytes;
    const iovec own{body, room};
    opened_bytes_ = session_->open(record, tls::Segments({&own, 1}));
    input_.skip(limits::tls_record_head_bytes);
    behind_opened_bytes_ = record.size() - limits::tls_record_head_bytes - opened_bytes_;
    if (opened_bytes_ == 0) {
      input_.skip(behind_opened_bytes_);
    }
    follow_session();
    return 0;
  }
  const size_t size = session_->open(record, into);
  into.each(size, [](std::span<uint8_t>) { return true; });
  input_.skip(record.size());
  follow_session();
  return size;
}

size_t LinkCipher::copy_opened(tls::Segments& into) {
  const size_t size = into.size_up_to(opened_bytes_);
  const uint8_t* from = input_.bytes().data();
  into.each(size, [&](std::span<uint8_t> part) {
    std::memcpy(part.data(), from, part.size());
    from += part.size();
    return true;
  });
  opened_bytes_ -= size;
  input_.skip(size);
  if (opened_bytes_ == 0) {
    input_.skip(behind_opened_bytes_);
  }
  return size;
}

// --- what leaves ---------------------------------------------------------------------------------

void LinkCipher::sent(size_t size_bytes) {
  output_.skip(size_bytes);
  if (output_.empty()) {
    output_.release_memory();
  }
}

size_t LinkCipher::seal(std::span<const iovec> plain) {
  ENSURE(state_ == State::open && !kernel_sends_);
  const tls::Session::Sealed sealed = session_->seal(tls::Segments(plain), output_.room());
  output_.wrote(sealed.out_bytes);
  sent_bytes_ += sealed.plain_bytes;
  follow_session();
  return sealed.plain_bytes;
}

std::span<const uint8_t> LinkCipher::goodbye() {
  if (state_ != State::open || kernel_sends_ || !output_.empty()) {
    return {};
  }
  output_.wrote(session_->seal_end(output_.room()));
  return output_.bytes();
}

}  // namespace murder::node
