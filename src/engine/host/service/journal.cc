#include "engine/host/service/journal.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace murder::host {
namespace {

constexpr const char* journal_path = "/run/systemd/journal/socket";
constexpr int standard_error = 2;

}  // namespace

bool is_journal_stream(int fd, const char* journal_stream) {
  struct stat status {};
  return journal_stream != nullptr && fstat(fd, &status) == 0 &&
         fmt::format("{}:{}", uint64_t{status.st_dev}, uint64_t{status.st_ino}) == journal_stream;
}

Journal::Journal() {
  const Result<io::SocketAddress> address = io::SocketAddress::from_unix_path(journal_path);
  if (address && is_journal_stream(standard_error, std::getenv("JOURNAL_STREAM"))) {
    address_ = *address;
    socket_ = io::Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }
}

void Journal::send(JournalEntry entry) {
  if (!socket_.is_open()) {
    return;
  }
  if (dropped_count_ > 0) {
    entry.add("MURDER_DROPPED", fmt::format("{}", dropped_count_));
  }
  const std::string& bytes = entry.bytes();
  if (sendto(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL, address_.get(),
             address_.size_bytes) < 0) {
    ++dropped_count_;
  } else {
    dropped_count_ = 0;
  }
}

}  // namespace murder::host
