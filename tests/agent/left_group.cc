#include "agent/left_group.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>

#include "../temporary_directory.h"
#include "engine/base/small_file.h"
#include "engine/host/child_process.h"

using namespace murder;
using namespace murder::agent;

TEST_CASE("a group that was left is ended, once") {
  const TemporaryDirectory directory;
  const std::string note = directory / "hook";
  Result<host::ChildProcess> child =
      host::ChildProcess::start({.arguments = {"/bin/sh", "-c", "sleep 1000 & wait"}});
  REQUIRE(child.has_value());
  note_group(note, child->pid());
  CHECK(end_left_group(note));
  CHECK_FALSE(end_left_group(note));
  std::optional<host::ChildProcess::End> end;
  while (!end) {
    end = child->reap();
    usleep(1000);
  }
  CHECK(end->signal == SIGKILL);
}

TEST_CASE("another process that got the number, or whatever stands in the note, is left alone") {
  const TemporaryDirectory directory;
  const std::string note = directory / "hook";
  Result<host::ChildProcess> child =
      host::ChildProcess::start({.arguments = {"/bin/sh", "-c", "sleep 1000 & wait"}});
  REQUIRE(child.has_value());
  const std::string pid = std::to_string(child->pid());
  for (const std::string& text :
       {pid + " 1\n", pid + "\n", std::string("1 1\n"), std::string("-1 5\n"), std::string("0 0\n"),
        std::string(), std::string("x"), std::string("99999999999999999999 1\n")}) {
    INFO(text);
    REQUIRE(write_small_file(note, text, /*sync_to_disk=*/false).has_value());
    CHECK_FALSE(end_left_group(note));
  }
  CHECK_FALSE(child->reap().has_value());
  // A process that leads no group.
  note_group(note, getpid());
  if (getpgid(0) != getpid()) {
    CHECK_FALSE(end_left_group(note));
  }
}
