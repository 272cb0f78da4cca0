#include "cli/commands/coordinate/deploy_place.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <utime.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>

#include "../../../temporary_directory.h"

namespace murder::cli {

TEST_CASE("whoever takes the place of a deploy again finds where its coordinator was") {
  const TemporaryDirectory run;
  const std::string path = run / "coordinate-ab1";
  {
    Result<DeployPlace> place = DeployPlace::take(run.path(), "ab1");
    REQUIRE(place);
    CHECK(place->coordinator().port == 0);
    CHECK(place->state() == "sqlite:" + path + "/state.db");
    REQUIRE(place->note({.port = 8998, .pid = 4711}));
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
  }
  Result<DeployPlace> again = DeployPlace::take(run.path(), "ab1");
  REQUIRE(again);
  CHECK(again->coordinator().port == 8998);
  CHECK(again->coordinator().pid == 4711);
  // Of a state that was before the boot nothing is left.
  std::ofstream(path + "/coordinator.json") << R"({"port":8998,"boot":"another"})";
  std::ofstream(path + "/state.db") << "records";
  again = DeployPlace::take(run.path(), "ab2");
  REQUIRE(again);
  again = DeployPlace::take(run.path(), "ab1");
  REQUIRE(again);
  CHECK(again->coordinator().port == 0);
  CHECK_FALSE(std::filesystem::exists(path + "/state.db"));
  REQUIRE(again->remove());
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("what dead deploys left goes with its age, unless it is at work") {
  const TemporaryDirectory run;
  std::filesystem::create_directories(run / "coordinate-dead");
  std::filesystem::create_directories(run / "coordinate-fresh");
  std::ofstream(run / "coordinate-dead/lock") << "";
  const Result<DeployPlace> works = DeployPlace::take(run.path(), "works");
  REQUIRE(works);
  const utimbuf old{.actime = 0, .modtime = time(nullptr) - 3600};
  for (const char* name : {"coordinate-dead", "coordinate-works"}) {
    REQUIRE(utime((run / name).c_str(), &old) == 0);
  }
  REQUIRE(DeployPlace::take(run.path(), "next"));
  CHECK_FALSE(std::filesystem::exists(run / "coordinate-dead"));
  CHECK(std::filesystem::exists(run / "coordinate-fresh"));
  CHECK(std::filesystem::exists(run / "coordinate-works"));
}

TEST_CASE("what a coordinate that is gone had started is known, unless another is at work") {
  const TemporaryDirectory run;
  {
    Result<DeployPlace> place = DeployPlace::take(run.path(), "ab1");
    REQUIRE(place);
    REQUIRE(place->note({.port = 9000, .pid = 4711}));
    CHECK(DeployPlace::left_coordinator(run.path(), "ab1").port == 0);
  }
  CHECK(DeployPlace::left_coordinator(run.path(), "ab1").port == 9000);
  CHECK(DeployPlace::left_coordinator(run.path(), "ab1").pid == 4711);
  CHECK(DeployPlace::left_coordinator(run.path(), "ab2").port == 0);
  std::ofstream(run / "coordinate-ab1/coordinator.json") << R"({"port":9000,"pid":1,"boot":"x"})";
  CHECK(DeployPlace::left_coordinator(run.path(), "ab1").port == 0);
}

TEST_CASE("with its lock the place of a deploy goes, unless it is at work") {
  const TemporaryDirectory run;
  std::optional<DeployPlace> place;
  Result<DeployPlace> taken = DeployPlace::take(run.path(), "ab1");
  REQUIRE(taken);
  place.emplace(std::move(*taken));
  DeployPlace::remove_left(run.path(), "ab1");
  CHECK(std::filesystem::exists(run / "coordinate-ab1"));
  place.reset();
  DeployPlace::remove_left(run.path(), "ab2");
  DeployPlace::remove_left(run.path(), "/../coordinate-ab1");
  CHECK(std::filesystem::exists(run / "coordinate-ab1"));
  DeployPlace::remove_left(run.path(), "ab1");
  CHECK(std::filesystem::is_empty(run.path()));
  CHECK_FALSE(DeployPlace::take(run.path(), "../ab1"));
}

TEST_CASE("a directory that others can enter is not taken") {
  const TemporaryDirectory run;
  std::filesystem::create_directory(run / "coordinate-ab1");
  REQUIRE(chmod((run / "coordinate-ab1").c_str(), 0755) == 0);
  const Result<DeployPlace> place = DeployPlace::take(run.path(), "ab1");
  REQUIRE_FALSE(place);
  CHECK(place.error().code == ErrorCode::permission);
}

}  // namespace murder::cli
