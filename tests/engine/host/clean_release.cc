#include "engine/host/clean_release.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"
#include "engine/host/peer_outcome.h"

namespace murder::host {
namespace {

struct Host {
  Host() {
    std::filesystem::create_directory(scratch / "temp");
    Result<RunDirectory> opened = RunDirectory::open(scratch / "run");
    REQUIRE(opened);
    directory.emplace(std::move(*opened));
  }

  void write(const std::string& name) const { std::ofstream(scratch / name) << "content"; }
  void leave_outcome(std::string_view state) const {
    REQUIRE(write_outcome(
        scratch / "run", "v1",
        {{"state", state}, {"archive", scratch / "temp/v1.tar.zst"}, {"user_id", geteuid()}},
        false));
  }
  [[nodiscard]] bool has(const std::string& name) const {
    return std::filesystem::exists(scratch / name);
  }
  [[nodiscard]] CleanOptions options() const {
    return {.tag = "v1", .temp_path = scratch / "temp"};
  }

  TemporaryDirectory scratch;
  std::optional<RunDirectory> directory;
};

}  // namespace

TEST_CASE("archive, torrent, outcome and logs of a release go, and nothing of another one") {
  const Host host;
  for (const char* name : {"temp/v1.tar.zst", "temp/v1.tar.zst.torrent", "run/peer-v1.log",
                           "run/seed-v1.log", "temp/v10.tar.zst", "run/peer-v10.log"}) {
    host.write(name);
  }
  host.leave_outcome(outcome_done);
  const Result<Cleaned> cleaned = clean_release(host.options(), &*host.directory);
  REQUIRE(cleaned);
  CHECK(cleaned->json["removed"].size() == 5);
  CHECK(cleaned->text == "removed 5 files of v1");
  CHECK_FALSE(host.has("temp/v1.tar.zst"));
  CHECK_FALSE(host.has("run/peer-v1.outcome"));
  CHECK(host.has("temp/v10.tar.zst"));
  CHECK(host.has("run/peer-v10.log"));
}

TEST_CASE("what the next attempt can use is kept if asked, unless the release was got") {
  const Host host;
  CleanOptions options = host.options();
  options.keep_partial = true;
  host.write("temp/v1.tar.zst");
  host.leave_outcome(outcome_failed);
  const Result<Cleaned> kept = clean_release(options, &*host.directory);
  REQUIRE(kept);
  CHECK(kept->json["kept"] == true);
  CHECK(host.has("temp/v1.tar.zst"));
  host.leave_outcome(outcome_done);
  REQUIRE(clean_release(options, &*host.directory));
  CHECK_FALSE(host.has("temp/v1.tar.zst"));
}

TEST_CASE("a file release has no ending, and is known by its torrent or by what is asked") {
  const Host host;
  CleanOptions options = host.options();
  host.write("temp/v1");
  REQUIRE(clean_release(options, nullptr));
  CHECK(host.has("temp/v1"));
  host.write("temp/v1.torrent");
  REQUIRE(clean_release(options, nullptr));
  CHECK_FALSE(host.has("temp/v1"));
  host.write("temp/v1");
  options.path_is_file = true;
  REQUIRE(clean_release(options, nullptr));
  CHECK_FALSE(host.has("temp/v1"));
}

TEST_CASE("where nothing is left, the place that was looked at is named") {
  const Host host;
  CleanOptions options = host.options();
  options.temp_path = host.scratch / "nowhere";
  const Result<Cleaned> cleaned = clean_release(options, nullptr);
  REQUIRE(cleaned);
  CHECK(cleaned->text.find("nowhere, which does not exist") != std::string::npos);
}

}  // namespace murder::host
