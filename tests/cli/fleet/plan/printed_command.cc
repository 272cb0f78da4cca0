#include "cli/fleet/plan/printed_command.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace murder::fleet;

TEST_CASE("the same command with a further word is what the user typed") {
  const std::vector<std::string> words = {"murder", "deploy", "./my build", "--tag", "v1"};
  CHECK(same_command_with(words, "--take-over") ==
        "murder deploy './my build' --tag v1 --take-over");
  std::vector<std::string> again = words;
  again.emplace_back("--retry-failed");
  CHECK(same_command_with(again, "--retry-failed") ==
        "murder deploy './my build' --tag v1 --retry-failed");
}

TEST_CASE("a task reaches the hosts of the command and in its way") {
  const std::vector<std::string> words = {
      "/opt/m/murder", "deploy", "./build",       "--tag",   "v1",
      "--config",      "f.toml", "--host=w[1-3]", "--to",    "/srv/app",
      "--ssh",         "ssh -v", "--activate",    "--forks", "3"};
  CHECK(
      task_command(words, "stop-tracker") ==
      "/opt/m/murder fleet stop-tracker --config f.toml '--host=w[1-3]' --ssh 'ssh -v' --forks 3");
  CHECK(task_command(words, "status", "w2") ==
        "/opt/m/murder fleet status --host w2 --config f.toml --ssh 'ssh -v' --forks 3");
  CHECK(task_command({}, "status") == "murder fleet status");
}
