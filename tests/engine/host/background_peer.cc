#include "engine/host/background_peer.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "../../temporary_directory.h"
#include "engine/host/peer_outcome.h"

namespace murder::host {
namespace {

struct BackgroundPeer {
  BackgroundPeer() {
    Result<RunDirectory> opened = RunDirectory::open(scratch / "run");
    REQUIRE(opened);
    directory.emplace(std::move(*opened));
  }
  void leave(const Json& outcome) const {
    REQUIRE(write_outcome(scratch / "run", "v1", outcome, false));
  }
  [[nodiscard]] std::string state(bool asks_process) const {
    const Result<Json> outcome = look_at_peer(*directory, "v1", {.asks_process = asks_process});
    return outcome ? text_member(*outcome, "state") : outcome.error().text;
  }

  TemporaryDirectory scratch;
  std::optional<RunDirectory> directory;
};

}  // namespace

TEST_CASE("a peer that says it runs, and has no process, was killed") {
  const BackgroundPeer peer;
  peer.leave({{"state", outcome_running}});
  CHECK(peer.state(false) == outcome_running);
  CHECK(peer.state(true) == outcome_failed);
  peer.leave({{"state", outcome_done}});
  CHECK(peer.state(true) == outcome_done);
}

TEST_CASE("of a tag that no peer was started for it is told where that was looked for") {
  const BackgroundPeer peer;
  const Result<Json> outcome = look_at_peer(*peer.directory, "v1", {});
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == ErrorCode::not_found);
  CHECK(outcome.error().text.find(peer.scratch / "run") != std::string::npos);
}

TEST_CASE("a release that was removed since it was delivered is not there") {
  const TemporaryDirectory scratch;
  std::filesystem::create_directory(scratch / "v1");
  const Json outcome = {{"state", outcome_done}, {"path", scratch / "v1"}};
  CHECK(with_place_checked(outcome) == outcome);
  std::filesystem::remove(scratch / "v1");
  CHECK(text_member(with_place_checked(outcome), "state") == outcome_failed);
  const Json running = {{"state", outcome_running}, {"path", scratch / "v1"}};
  CHECK(with_place_checked(running) == running);
}

TEST_CASE("of a long log the end is shown, and of a link nothing") {
  const BackgroundPeer peer;
  CHECK(peer_log_tail(*peer.directory, "v1").empty());
  const std::string log = peer.scratch / "run/peer-v1.log";
  std::ofstream(log) << std::string(5000, 'a') << "the end\n";
  const std::string tail = peer_log_tail(*peer.directory, "v1");
  CHECK(tail.size() == 2000);
  CHECK(tail.ends_with("athe end\n"));
  std::filesystem::rename(log, peer.scratch / "other");
  std::filesystem::create_symlink(peer.scratch / "other", log);
  CHECK(peer_log_tail(*peer.directory, "v1").empty());
}

}  // namespace murder::host
