#include "cli/ui/parent_link.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

namespace murder::cli {
namespace {

struct Pair {
  Pair() {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    parent = io::Fd(ends[0]);
    worker = io::Fd(ends[1]);
  }
  io::Fd parent;
  io::Fd worker;
};

// The next message; nothing at the end.
std::optional<WorkerMessage> receive(int fd) {
  std::string packet(worker_message_bytes_max, '\0');
  const ssize_t size = recv(fd, packet.data(), packet.size(), 0);
  if (size <= 0) {
    return std::nullopt;
  }
  packet.resize(static_cast<size_t>(size));
  return decode_worker_message(packet);
}

}  // namespace

TEST_CASE("every kind of message comes back as it was") {
  WorkerMessage progress;
  progress.kind = WorkerMessageKind::progress;
  progress.progress = {
      .phase = "verifying", .done_bytes = 1, .total_bytes = 1ULL << 40U, .peers = 3};
  CHECK(decode_worker_message(encode_worker_message(progress))->progress == progress.progress);

  WorkerMessage report;
  report.kind = WorkerMessageKind::final_report;
  report.final_report = {.exit_code = 1, .text = "a\nb", .json = {{"x", 1}}};
  const auto report_back = decode_worker_message(encode_worker_message(report));
  REQUIRE(report_back);
  CHECK(report_back->final_report.exit_code == 1);
  CHECK(report_back->final_report.text == "a\nb");
  CHECK(report_back->final_report.json == Json{{"x", 1}});

  WorkerMessage error;
  error.kind = WorkerMessageKind::error;
  error.error = {ErrorCode::conflict, "port 1 is taken"};
  const auto error_back = decode_worker_message(encode_worker_message(error));
  REQUIRE(error_back);
  CHECK(error_back->error.code == ErrorCode::conflict);
  CHECK(error_back->error.text == "port 1 is taken");
}

TEST_CASE("what is no message is told apart") {
  CHECK_FALSE(decode_worker_message(""));
  CHECK_FALSE(decode_worker_message("p"));
  CHECK_FALSE(decode_worker_message("x{}"));
  CHECK_FALSE(decode_worker_message("p[1"));
}

TEST_CASE("a parent that does not read stops neither progress nor the final report") {
  Pair pair;
  ParentLink link(std::move(pair.worker));
  for (uint64_t turn = 0; turn < 20'000; ++turn) {
    link.progress({.phase = "downloading", .done_bytes = turn, .peers = {}});
    link.note("a line of a reasonable length, as there may be many");
  }
  link.finish({.exit_code = 0, .text = std::string(20'000, 't'), .json = {}});
  CHECK(link.hangup_fd() == -1);
  std::optional<WorkerMessage> last;
  while (std::optional<WorkerMessage> message = receive(pair.parent.get())) {
    last = std::move(message);
  }
  REQUIRE(last);
  CHECK(last->kind == WorkerMessageKind::final_report);
  CHECK(last->final_report.text.size() == 20'000);
}

TEST_CASE("a worker whose parent died continues without a signal") {
  Pair pair;
  ParentLink link(std::move(pair.worker));
  pair.parent.reset();
  link.progress({.phase = "downloading", .peers = {}});
  link.note("nobody hears this");
  CHECK(link.hangup_fd() >= 0);
}

}  // namespace murder::cli
