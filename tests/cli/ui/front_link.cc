#include "cli/ui/front_link.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

namespace murder::cli {
namespace {

struct Pair {
  Pair() {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    front = io::Fd(ends[0]);
    worker = io::Fd(ends[1]);
  }
  io::Fd front;
  io::Fd worker;
};

// The next message; nothing at the end.
std::optional<FrontMessage> receive(int fd) {
  std::string packet(front_message_bytes_max, '\0');
  const ssize_t size = recv(fd, packet.data(), packet.size(), 0);
  if (size <= 0) {
    return std::nullopt;
  }
  packet.resize(static_cast<size_t>(size));
  return decode_front_message(packet);
}

}  // namespace

TEST_CASE("every kind of message comes back as it was") {
  FrontMessage progress;
  progress.kind = FrontMessageKind::progress;
  progress.progress = {
      .phase = "verifying", .done_bytes = 1, .total_bytes = 1ULL << 40U, .peers = 3};
  CHECK(decode_front_message(encode_front_message(progress))->progress == progress.progress);

  FrontMessage report;
  report.kind = FrontMessageKind::final_report;
  report.final_report = {.exit_code = 1, .text = "a\nb", .json = {{"x", 1}}};
  const auto report_back = decode_front_message(encode_front_message(report));
  REQUIRE(report_back);
  CHECK(report_back->final_report.exit_code == 1);
  CHECK(report_back->final_report.text == "a\nb");
  CHECK(report_back->final_report.json == Json{{"x", 1}});

  FrontMessage error;
  error.kind = FrontMessageKind::error;
  error.error = {ErrorCode::conflict, "port 1 is taken"};
  const auto error_back = decode_front_message(encode_front_message(error));
  REQUIRE(error_back);
  CHECK(error_back->error.code == ErrorCode::conflict);
  CHECK(error_back->error.text == "port 1 is taken");
}

TEST_CASE("what is no message is told apart") {
  CHECK_FALSE(decode_front_message(""));
  CHECK_FALSE(decode_front_message("p"));
  CHECK_FALSE(decode_front_message("x{}"));
  CHECK_FALSE(decode_front_message("p[1"));
}

TEST_CASE("a front that does not read stops neither progress nor the final report") {
  Pair pair;
  FrontLink link(std::move(pair.worker));
  for (uint64_t turn = 0; turn < 20'000; ++turn) {
    link.progress({.phase = "downloading", .done_bytes = turn, .peers = {}});
    link.note("a line of a reasonable length, as there may be many");
  }
  link.finish({.exit_code = 0, .text = std::string(20'000, 't'), .json = {}});
  CHECK(link.hangup_fd() == -1);
  std::optional<FrontMessage> last;
  while (std::optional<FrontMessage> message = receive(pair.front.get())) {
    last = std::move(message);
  }
  REQUIRE(last);
  CHECK(last->kind == FrontMessageKind::final_report);
  CHECK(last->final_report.text.size() == 20'000);
}

TEST_CASE("a worker whose front died goes on without a signal") {
  Pair pair;
  FrontLink link(std::move(pair.worker));
  pair.front.reset();
  link.progress({.phase = "downloading", .peers = {}});
  link.note("nobody hears this");
  CHECK(link.hangup_fd() >= 0);
}

}  // namespace murder::cli
