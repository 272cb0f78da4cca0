#include "engine/host/run_as.h"

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "../../temporary_directory.h"

namespace murder::host {
namespace {

// In a child: the exit status.
template <typename Body>
int status_of_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(body() ? 0 : 1);
  }
  int state = 0;
  return waitpid(child, &state, 0) == child && WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

}  // namespace

TEST_CASE("whom to run as is a user of this host, or numbers") {
  const Result<RunAs> nobody = parse_run_as("nobody");
  REQUIRE(nobody);
  CHECK(nobody->user != 0);
  CHECK(std::find(nobody->groups.begin(), nobody->groups.end(), nobody->group) !=
        nobody->groups.end());
  const Result<RunAs> numbers = parse_run_as("4000000000:4000000001");
  REQUIRE(numbers);
  CHECK(numbers->user == 4000000000);
  CHECK(numbers->group == 4000000001);
  CHECK(numbers->groups == std::vector<gid_t>{4000000001});
  const Result<RunAs> group = parse_run_as("nobody:1234");
  REQUIRE(group);
  CHECK(group->group == 1234);
  for (const char* wrong : {"", ":", ":1234", "root", "0", "0:1234", "no-such-user", "4000000000",
                            "nobody:no-such-group", "4294967295"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_run_as(wrong));
  }
}

TEST_CASE("root is given up for good, and what is made for the user is his") {
  if (geteuid() != 0) {
    MESSAGE("not root: nothing can be given up");
    return;
  }
  const TemporaryDirectory temporary;
  const Result<RunAs> run_as = parse_run_as("12345:23456");
  REQUIRE(run_as);
  REQUIRE(make_directories_for(*run_as, temporary.path() + "/a/b/"));
  REQUIRE(make_directories_for(*run_as, temporary.path() + "/a"));
  for (const char* name : {"", "/a", "/a/b"}) {
    CAPTURE(name);
    struct stat status {};
    REQUIRE(stat((temporary.path() + name).c_str(), &status) == 0);
    CHECK(status.st_uid == (name[0] == '\0' ? 0 : 12345));
  }
  CHECK(status_of_child([&run_as] {
          gid_t groups[8] = {};
          return give_up_root(*run_as).has_value() && getuid() == 12345 && geteuid() == 12345 &&
                 getgid() == 23456 && getegid() == 23456 && getgroups(8, groups) == 1 &&
                 groups[0] == 23456 && setuid(0) != 0 && setgid(0) != 0 &&
                 prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
        }) == 0);
  // Who is not root has nothing to give up.
  CHECK(status_of_child(
            [&run_as] { return setuid(1) == 0 && !give_up_root(*run_as).has_value(); }) == 0);
}

}  // namespace murder::host
