#include "engine/node/messages.h"

namespace murder::node {

IoCounters& IoCounters::operator+=(const IoCounters& other) {
  ring_submissions += other.ring_submissions;
  ring_enters += other.ring_enters;
  direct_calls += other.direct_calls;
  received_blocks += other.received_blocks;
  sent_blocks += other.sent_blocks;
  sent_memory_bytes += other.sent_memory_bytes;
  sent_splice_bytes += other.sent_splice_bytes;
  sent_read_bytes += other.sent_read_bytes;
  kernel_tls_receivers += other.kernel_tls_receivers;
  kernel_tls_senders += other.kernel_tls_senders;
  return *this;
}

ShardStats& ShardStats::operator+=(const ShardStats& other) {
  downloaded_bytes += other.downloaded_bytes;
  uploaded_bytes += other.uploaded_bytes;
  wasted_bytes += other.wasted_bytes;
  failed_pieces += other.failed_pieces;
  last_culprit = other.last_culprit ? other.last_culprit : last_culprit;
  unproven_count += other.unproven_count;
  transport_differs_count += other.transport_differs_count;
  session_count += other.session_count;
  open_count += other.open_count;
  neighbour_count += other.neighbour_count;
  io += other.io;
  return *this;
}

}  // namespace murder::node
