// Sending with TLS: what would go to the socket is sealed into the memory of the link's cipher, and
// goes from there, unless the kernel seals.
#include "engine/base/ensure.h"
#include "engine/node/peer_link.h"

namespace murder::node {

using swarm::CloseReason;

// Before the other side has proven the key nothing leaves but what the cipher says.
bool LinkSender::may_send_data() const {
  const LinkCipher* const cipher = link_->sealer();
  return cipher == nullptr || cipher->is_open();
}

// All of the message, and what the cipher had to say, is at the socket.
bool LinkSender::is_out() const {
  LinkCipher* const cipher = link_->sealer();
  return message_.msg_iovlen == 0 && (cipher == nullptr || cipher->output().empty());
}

// What the cipher has to say by itself.
void LinkSender::start_records_alone() {
  LinkCipher* const cipher = link_->sealer();
  if (cipher == nullptr || !cipher->has_output()) {
    return;
  }
  enter(Phase::message);
  message_ = {};
  message_sent_bytes_ = 0;
  progressed_at_ = host_->now();
  send_records(*cipher);
}

void LinkSender::send_records(LinkCipher& cipher) {
  is_zero_copy_ = false;
  if (cipher.is_open()) {
    const size_t sealed = cipher.seal({message_.msg_iov, message_.msg_iovlen});
    skip_sent(sealed);
    message_sent_bytes_ += sealed;
  }
  const std::span<const uint8_t> records = cipher.output();
  if (records.empty()) {
    host_->work.wants_end(*link_, CloseReason::connection_lost);  // there is no memory to seal
    return;
  }
  sealed_segment_ = {const_cast<uint8_t*>(records.data()), records.size()};  // as iovec wants it
  sealed_message_ = {};
  sealed_message_.msg_iov = &sealed_segment_;
  sealed_message_.msg_iovlen = 1;
  host_->reactor.sendmsg(operations_->message, link_->fd(), &sealed_message_, MSG_WAITALL);
}

}  // namespace murder::node
