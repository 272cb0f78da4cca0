#include "cli/fleet/plan/host_result.h"

#include <doctest/doctest.h>

namespace murder::fleet {
namespace {

HostResult judged(const AttemptEnd& end, std::string log = "") {
  HostResult result{.log_tail = std::move(log)};
  judge_attempt(end, result);
  return result;
}

}  // namespace

TEST_CASE("exit status 0 is ok and has no reason") {
  const HostResult result = judged({.exit_code = 0}, "a warning\n");
  CHECK(result.is_ok());
  CHECK(result.exit_code == 0);
  CHECK(result.reason.empty());
}

TEST_CASE("a command that failed tells its status and the last line it said") {
  const HostResult result = judged({.exit_code = 1}, "working\nmurder peer: the disk is full\n\n");
  CHECK(result.outcome == Outcome::failed);
  CHECK(result.exit_code == 1);
  CHECK(result.reason == "murder peer: the disk is full");
  CHECK(judged({.exit_code = 7}).reason == "exit status 7");
}

TEST_CASE("ssh's own exit status means that the host was not reached") {
  const HostResult result =
      judged({.exit_code = 255}, "ssh: connect to host w1 port 22: Connection refused\r\n");
  CHECK(result.outcome == Outcome::unreachable);
  CHECK(result.exit_code == -1);
  CHECK(result.reason == "ssh: connect to host w1 port 22: Connection refused");
  CHECK(is_worth_retrying(result));
  CHECK(judged({.exit_code = 255}).reason == "the connection failed or was lost");
}

TEST_CASE("refused keys and unknown names are not tried again") {
  for (const char* log :
       {"deploy@w1: Permission denied (publickey).\n", "Host key verification failed.\n",
        "ssh: Could not resolve hostname w1: Name or service not known\n"}) {
    CAPTURE(log);
    CHECK_FALSE(is_worth_retrying(judged({.exit_code = 255}, log)));
  }
  CHECK(is_worth_retrying(
      judged({.exit_code = 255},
             "ssh: Could not resolve hostname w1: Temporary failure in name resolution\n")));
}

TEST_CASE("a host key that is not known is told from one that has changed") {
  CHECK(judged({.exit_code = 255}, "Host key verification failed.\r\n").reason ==
        "Host key verification failed: it is not known here (ssh to that host by hand shows and "
        "keeps it)");
  const std::string changed =
      "@@@@@@@@@@\r\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n"
      "@@@@@@@@@@\r\nIT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\n"
      "Offending ED25519 key in /etc/ssh/ssh_known_hosts:7\r\n"
      "Host key for w1 has changed and you have requested strict checking.\r\n"
      "Host key verification failed.\r\n";
  CHECK(judged({.exit_code = 255}, changed).reason ==
        "Host key verification failed: it is another one than before (ED25519 key in "
        "/etc/ssh/ssh_known_hosts:7)");
}

TEST_CASE("only hosts that were not reached are tried again") {
  CHECK_FALSE(is_worth_retrying(judged({.exit_code = 0})));
  CHECK_FALSE(is_worth_retrying(judged({.exit_code = 1})));
  CHECK_FALSE(is_worth_retrying(judged({.exit_code = 255, .is_timed_out = true})));
  CHECK_FALSE(is_worth_retrying(judged({.exit_code = 255, .is_stopped = true})));
}

TEST_CASE("a timeout and a stop tell that the command may still run there") {
  const HostResult late = judged({.signal = 15, .is_timed_out = true}, "40 %\n");
  CHECK(late.outcome == Outcome::timed_out);
  CHECK(late.reason.find("may still run") != std::string::npos);
  CHECK(late.reason.find("40 %") != std::string::npos);
  CHECK(judged({.signal = 15, .is_stopped = true}).outcome == Outcome::interrupted);
}

TEST_CASE("what ssh says at its end does not hide the reason") {
  CHECK(reason_line("disk full\nConnection to w1 closed.\n") == "disk full");
  CHECK(reason_line("Shared connection to w1 closed.\r\n") == "Shared connection to w1 closed.");
  CHECK(reason_line("x\nConnection to w1 port 22 timed out\n") ==
        "Connection to w1 port 22 timed out");
  const std::string hint = "`murder seed --help` lists the options and shows an example.";
  CHECK(reason_line("murder seed: there is no key\n" + hint + "\n") ==
        "murder seed: there is no key");
  CHECK(reason_line(hint) == hint);
  CHECK(reason_line("\n \n").empty());
  CHECK(reason_line(std::string(10'000, 'x')).size() < 1000);
}

}  // namespace murder::fleet
