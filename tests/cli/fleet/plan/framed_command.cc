#include "cli/fleet/plan/framed_command.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/plan/shell_words.h"

using namespace murder::fleet;

namespace {

// Runs a framed command as sshd does: by the login shell, which may write at its start and its end.
HostResult run_there(const std::string& command, const FrameOptions& options = {},
                     const std::string& shell = "/bin/sh", const std::string& at_start = "") {
  std::string pattern = "/tmp/framed-XXXXXX";
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  const std::string line = at_start + shell + " -c " + quote_word(frame_command(command, options)) +
                           " >" + pattern + "/out 2>" + pattern + "/log </dev/null";
  const int status = system(("exec sh -c " + quote_word(line)).c_str());
  const auto text_of = [&pattern](const std::string& name) {
    std::ifstream file(pattern + name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  HostResult result{.output = text_of("/out"), .log_tail = text_of("/log")};
  std::filesystem::remove_all(pattern);
  judge_attempt({.exit_code = WEXITSTATUS(status)}, result);
  return result;
}

}  // namespace

TEST_CASE("what a login shell writes at its start is not output of the command") {
  HostResult result = run_there("echo one; printf two; echo problem >&2; exit 3");
  // The start-up output goes where the command's does.
  result.output = "Welcome\nno end of line" + result.output;
  result.log_tail = "motd: broken\n" + result.log_tail + "logout noise\n";
  (void)take_frame(result, {});
  CHECK(result.outcome == Outcome::failed);
  CHECK(result.exit_code == 3);
  CHECK(result.output == "one\ntwo");
  CHECK(result.log_tail == "problem\n");
  CHECK(result.reason == "problem");
}

TEST_CASE("a command that ends well, with and without output") {
  HostResult result = run_there("true");
  (void)take_frame(result, {});
  CHECK(result.is_ok());
  CHECK(result.output.empty());
  CHECK(result.log_tail.empty());
}

TEST_CASE("a login shell that runs nothing is a failure that says so, whatever its exit status") {
  for (const int code : {0, 1}) {
    HostResult result{.output = "This account is currently not available.\n"};
    judge_attempt({.exit_code = code}, result);
    (void)take_frame(result, {});
    CHECK(result.outcome == Outcome::failed);
    CHECK(result.reason ==
          "the login shell of this user runs no commands there (it said: This account is currently "
          "not available.)");
  }
  HostResult silent;
  judge_attempt({.exit_code = 1}, silent);
  (void)take_frame(silent, {});
  CHECK(silent.reason == "the login shell of this user runs no commands there");
}

TEST_CASE("a login shell that waits for something is told from a command that takes long") {
  HostResult waiting{.output = "Choose a project:\n"};
  judge_attempt({.is_timed_out = true}, waiting);
  (void)take_frame(waiting, {});
  CHECK(waiting.outcome == Outcome::timed_out);
  CHECK(waiting.reason ==
        "the login shell of this user did not run the command in time: a start-up file may wait "
        "for something (it said: Choose a project:)");
  HostResult slow{.output = std::string(frame_begin_mark) + "\n"};
  judge_attempt({.is_timed_out = true}, slow);
  (void)take_frame(slow, {});
  CHECK(slow.reason == "no end within the command timeout; it may still run there");
}

TEST_CASE("a host that was not reached keeps its reason") {
  HostResult result{.log_tail = "ssh: connect to host w1 port 22: Connection refused\n"};
  judge_attempt({.exit_code = 255}, result);
  (void)take_frame(result, {});
  CHECK(result.outcome == Outcome::unreachable);
  CHECK(result.reason == "ssh: connect to host w1 port 22: Connection refused");
  HostResult slow{.log_tail = "--murder-begins--\n"};
  judge_attempt({.is_timed_out = true}, slow);
  CHECK(slow.reason.find("murder-begins") == std::string::npos);
}

TEST_CASE("every login shell reads a framed command alike") {
  const std::string nasty = R"(a b'c"d$HOME`id`\\x\'y;|&*?~#![!.]$1 {a,b} (x))";
  const std::string command =
      CommandLine::script("printf '<%s>' \"$@\"").word(nasty).word("").text();
  for (const std::string shell : {"sh", "dash", "bash", "csh", "tcsh", "fish", "zsh", "ksh"}) {
    if (system(("command -v " + shell + " >/dev/null").c_str()) != 0) {
      MESSAGE(shell << " is not here: skipped");
      continue;
    }
    for (const bool asks_facts : {false, true}) {
      CAPTURE(shell);
      HostResult result = run_there(command, {.asks_facts = asks_facts}, shell);
      (void)take_frame(result, {});
      CHECK(result.reason.empty());
      CHECK(result.output == "<" + nasty + "><>");
    }
  }
}

TEST_CASE("a host tells what its allowed signers say of orders") {
  const auto namespaces_with = [](const std::string& file) {
    std::string command = frame_command("true", {.asks_facts = true});
    // Another file than the host's own.
    const std::string own = "/etc/murder/allowed_signers";
    std::string pattern = "/tmp/signers-XXXXXX";
    const int fd = mkstemp(pattern.data());
    REQUIRE(fd >= 0);
    REQUIRE(write(fd, file.data(), file.size()) == static_cast<ssize_t>(file.size()));
    close(fd);
    command.replace(command.find(own), own.size(), pattern);
    const std::string output = pattern + ".out";
    REQUIRE(system((command + " >" + output + " 2>/dev/null").c_str()) == 0);
    std::ifstream stream(output);
    HostResult result{.output = std::string(std::istreambuf_iterator<char>(stream), {})};
    judge_attempt({.exit_code = 0}, result);
    const HostFacts facts = take_frame(result, {.asks_facts = true});
    CHECK(facts.is_known);
    unlink(pattern.c_str());
    unlink(output.c_str());
    return facts.namespaces;
  };
  CHECK(namespaces_with("").empty());
  CHECK(namespaces_with("ann ssh-ed25519 AAAA murder-order\n").empty());
  CHECK(namespaces_with("# ann namespaces=\"murder-order\" ssh-ed25519 AAAA\n").empty());
  CHECK(namespaces_with("ann namespaces=\"murder-release\" ssh-ed25519 AAAA\n").empty());
  CHECK(namespaces_with(
            "ann namespaces=\"murder-*\" ssh-ed25519 A\n"
            "bob namespaces=\"murder-*\" ssh-ed25519 B\n"
            "eve valid-before=\"20300101\",NAMESPACES=\"a|b,murder-order\" ssh-ed25519 C\n"
            "joe namespaces=\"murder-release,murder-order\" ssh-ed25519 D\n") ==
        "namespaces=\"murder-*\" namespaces=\"murder-release,murder-order\" ");
}

TEST_CASE("a host knows by which address it was reached, and what machine it is") {
  const auto facts_with = [](const std::string& connection) {
    HostResult result = run_there("true", {.asks_facts = true}, "/bin/sh",
                                  "export SSH_CONNECTION='" + connection + "'; ");
    return take_frame(result, {});
  };
  const HostFacts facts = facts_with("192.0.2.1 50000 198.51.100.7 22");
  CHECK(facts.is_known);
  CHECK(facts.address == "198.51.100.7");
  CHECK(facts_with("2001:db8::1 50000 2001:db8::7 22").address == "2001:db8::7");
  // An address that means something to that host alone is not for others.
  for (const std::string local : {"127.0.1.1", "::1", "fe80::1%eth0"}) {
    const std::string address = facts_with("127.0.0.1 50000 " + local + " 22").address;
    CHECK(address != local);
    CHECK_FALSE(address.starts_with("127."));
  }
  CHECK(facts_with("").is_known);
  CHECK(facts_with("").machine.empty());  // what was not reached by ssh may be anything
  CHECK_FALSE(facts.machine.empty());
  CHECK(facts.machine == facts_with("192.0.2.1 1 203.0.113.9 22").machine);
}

TEST_CASE("why sudo did not run a command is said in words") {
  const auto reason_of = [](int code, const std::string& log) {
    HostResult result{.output = "--murder-begins--\n", .log_tail = "--murder-begins--\n" + log};
    judge_attempt({.exit_code = code}, result);
    (void)take_frame(result, {.become = true});
    return result.reason;
  };
  CHECK(reason_of(1, "sudo: a password is required\n").find("NOPASSWD") != std::string::npos);
  CHECK(
      reason_of(1, "sudo: sorry, you must have a tty to run sudo\n").find("asks for a password") !=
      std::string::npos);
  CHECK(reason_of(127, "sh: 1: sudo: not found\n").find("there is no sudo") != std::string::npos);
  CHECK(reason_of(1, "app is not in the sudoers file.  sudo: no\n").find("does not allow") !=
        std::string::npos);
  CHECK(reason_of(2, "the disk is full\n") == "the disk is full");
  CHECK(frame_command("id -u", {.become = true}).find("sudo -n -H -- sh -c") != std::string::npos);
}
