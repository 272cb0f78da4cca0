#include "agent/once_places.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "../temporary_directory.h"
#include "agent/once_note.h"
#include "agent/placed.h"
#include "engine/base/types.h"
#include "engine/hash/info_hash.h"

using namespace murder;
using namespace murder::agent;
namespace fs = std::filesystem;

namespace {

AgentOptions options_for(const std::string& run, const std::string& token, const std::string& to) {
  return {.host = "w1",
          .apps = {{.name = "shop", .to = to}},
          .state_directory = once_state_directory(run, token)};
}

// What an agent makes at its start.
Result<StateDirectory> begin_agent(const AgentOptions& options) {
  Result<StateDirectory> state = StateDirectory::open(options.state_directory);
  REQUIRE(state.has_value());
  REQUIRE(state->make_app_place("shop", options.temp_path).has_value());
  REQUIRE(note_once_place(*state, options).has_value());
  return state;
}

// An agent that only holds its state directory, until it is told to end.
pid_t hold_in_child(const AgentOptions& options) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGTERM, SIG_DFL);  // not that of the tests
    const Result<StateDirectory> state = StateDirectory::open(options.state_directory);
    const bool is_held = state && note_once_place(*state, options);
    (void)!write(ends[1], is_held ? "1" : "0", 1);
    close(ends[1]);
    for (int count = 0; count < 600; ++count) {
      usleep(100'000);
    }
    _exit(1);
  }
  char is_held = '0';
  REQUIRE(read(ends[0], &is_held, 1) == 1);
  REQUIRE(is_held == '1');
  close(ends[0]);
  close(ends[1]);
  return child;
}

// The torrent of v1, in the state directory.
void put_torrent(const AgentOptions& options) {
  const std::string info =
      "d6:lengthi1e4:name10:v1.tar.zst12:piece lengthi16384e6:pieces20:" + std::string(20, 'x') +
      "e";
  const InfoHash release = hash::info_hash_of(as_bytes_of(info));
  const AppPlace place = once_app_place(options.state_directory, "shop", options.temp_path);
  REQUIRE(keep_torrent(place, release, "d4:info" + info + "e").has_value());
}

}  // namespace

TEST_CASE("each deploy's agent has a place of its own") {
  CHECK(once_state_directory("/run/murder", "ab12") == "/run/murder/agent-ab12");
  CHECK(once_state_directory("/run/murder", "") == "/run/murder/agent");
}

TEST_CASE("an agent leaves what is not its own, and nothing else") {
  const TemporaryDirectory run;
  const AgentOptions options = options_for(run.path(), "1", "/srv/shop");
  Result<StateDirectory> state = begin_agent(options);
  REQUIRE(state->save({}).has_value());
  state->put_by();
  SUBCASE("nothing") {
    CHECK(leave_no_trace(*state, options, false).has_value());
    CHECK(fs::is_empty(run.path()));
  }
  SUBCASE("a file of somebody else") {
    std::ofstream(options.state_directory + "/other") << "x";
    CHECK(leave_no_trace(*state, options, false).has_value());
    CHECK(fs::exists(options.state_directory + "/other"));
    CHECK_FALSE(fs::exists(options.state_directory + "/apps"));
    CHECK_FALSE(fs::exists(options.state_directory + "/once.json"));
  }
}

TEST_CASE("what a killed agent of a deploy left goes with the next one") {
  const TemporaryDirectory run;
  { const Result<StateDirectory> dead = begin_agent(options_for(run.path(), "1", "/srv/shop")); }
  fs::create_directory(run / "agent-new");  // one that begins at this moment
  fs::create_directory(run / "agentless");
  for (const char* log : {"agent-1.log", "agent-new.log", "agent-old.log"}) {
    std::ofstream(run / log) << "x";
  }
  fs::last_write_time(run / "agent-old.log",
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  const AgentOptions next = options_for(run.path(), "2", "/srv/other");
  const Result<StateDirectory> state = begin_agent(next);
  CHECK(clear_once_places(run.path(), next).has_value());
  CHECK_FALSE(fs::exists(run / "agent-1"));
  CHECK_FALSE(fs::exists(run / "agent-1.log"));
  CHECK_FALSE(fs::exists(run / "agent-old.log"));  // of one whose directory is gone
  for (const char* name : {"agent-2/once.json", "agent-new", "agentless", "agent-new.log"}) {
    CHECK_MESSAGE(fs::exists(run / name), name);
  }
}

TEST_CASE("an agent of another deploy of the same place is ended, one of another place is not") {
  const TemporaryDirectory run;
  const pid_t same = hold_in_child(options_for(run.path(), "1", "/srv/shop"));
  const pid_t other = hold_in_child(options_for(run.path(), "2", "/srv/other"));
  CHECK(clear_once_places(run.path(), options_for(run.path(), "3", "/srv/shop")).has_value());
  int status = 0;
  CHECK(waitpid(same, &status, 0) == same);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
  CHECK(waitpid(other, &status, WNOHANG) == 0);
  CHECK_FALSE(fs::exists(run / "agent-1"));
  CHECK(fs::exists(run / "agent-2"));
  kill(other, SIGKILL);
  waitpid(other, &status, 0);
}

TEST_CASE("an archive that an agent of another coordinator fetches is in use") {
  const TemporaryDirectory run;
  AgentOptions options = options_for(run.path(), "1", "/srv/shop");
  options.temp_path = "/var/tmp";
  options.coordinators = {{{.host = "10.0.0.2", .port = 8998}}};
  { const Result<StateDirectory> made = begin_agent(options); }
  put_torrent(options);
  const ArchiveUse own{
      .tag = "v1", .temp_path = "/var/tmp", .token = "1", .coordinator = "10.0.0.2:8998"};
  ArchiveUse cut_off = own;
  cut_off.coordinator = "10.0.0.1:8998";
  ArchiveUse other = own;
  other.token = "2";
  // It is not at work: what it has left is nobody's.
  CHECK_FALSE(is_archive_in_use(run.path(), cut_off));
  const pid_t agent = hold_in_child(options);
  CHECK_FALSE(is_archive_in_use(run.path(), own));
  CHECK(is_archive_in_use(run.path(), cut_off));
  CHECK(is_archive_in_use(run.path(), other));
  ArchiveUse elsewhere = cut_off;
  elsewhere.temp_path = "/tmp";
  CHECK_FALSE(is_archive_in_use(run.path(), elsewhere));
  ArchiveUse of_another = cut_off;
  of_another.tag = "v2";
  CHECK_FALSE(is_archive_in_use(run.path(), of_another));
  ArchiveUse of_any = own;
  of_any.coordinator.clear();
  CHECK_FALSE(is_archive_in_use(run.path(), of_any));
  kill(agent, SIGKILL);
  int status = 0;
  waitpid(agent, &status, 0);
}
