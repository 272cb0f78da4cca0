// The journal of this host, for a process whose standard error goes there anyway.
#pragma once

#include "engine/host/service/journal_entry.h"
#include "engine/io/sockets.h"

namespace murder::host {

// Whether the file behind `fd` is the stream that JOURNAL_STREAM names, "DEVICE:INODE".
[[nodiscard]] bool is_journal_stream(int fd, const char* journal_stream);

// Never waits. What the journal does not take at once is dropped and counted; the next entry that
// is taken tells how many were (MURDER_DROPPED).
class Journal {
 public:
  // Closed when standard error does not go to the journal.
  Journal();

  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  void send(JournalEntry entry);

 private:
  io::Fd socket_;
  io::SocketAddress address_;
  uint64_t dropped_count_ = 0;
};

}  // namespace murder::host
