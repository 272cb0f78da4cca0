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
  report.final_report = {.text = "a\nb", .json = {{"x", 1}}};
  report.exit_code = 1;
  const auto report_back = decode_worker_message(encode_worker_message(report));
  REQUIRE(report_back);
  CHECK(report_back->exit_code == 1);
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

TEST_CASE("a message is never longer than what its reader takes, and keeps its exit code") {
  const std::string controls(200'000, '\x01');  // six bytes each in JSON
  std::vector<WorkerMessage> messages(4);
  messages[0].kind = WorkerMessageKind::final_report;
  messages[0].final_report = {.text = controls, .json = {}};
  messages[0].exit_code = 3;
  messages[1].kind = WorkerMessageKind::final_report;
  messages[1].final_report = {.text = "done", .json = {{"names", controls}}};
  messages[1].exit_code = 3;
  messages[2].kind = WorkerMessageKind::error;
  messages[2].error = {ErrorCode::conflict, controls};
  messages[3].kind = WorkerMessageKind::note;
  messages[3].text = controls;
  for (const WorkerMessage& message : messages) {
    const std::string packet = encode_worker_message(message);
    CHECK(packet.size() <= worker_message_bytes_max);
    const auto back = decode_worker_message(packet);
    REQUIRE(back);
    CHECK(back->kind == message.kind);
    CHECK(back->exit_code == message.exit_code);
    CHECK(back->error.code == message.error.code);
  }
  CHECK(decode_worker_message(encode_worker_message(messages[1]))->final_report.text == "done");
  CHECK_FALSE(decode_worker_message(encode_worker_message(messages[3]))->text.empty());
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
  link.finish({.text = std::string(20'000, 't'), .json = {}});
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
