#include "agent/state_directory.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include "../temporary_directory.h"
#include "engine/base/small_file.h"

using namespace murder;
using namespace murder::agent;

namespace {

const InfoHash some_hash = InfoHash::from_hex("00112233445566778899aabbccddeeff00112233").value();

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

}  // namespace

TEST_CASE("an app's name is never a path") {
  CHECK(file_name_of("shop-2_a.b") == "shop-2_a.b");
  CHECK(file_name_of("a/b:c") == "a%2fb%3ac");
  CHECK(file_name_of("..") == "%2e.");
  CHECK(file_name_of("../../etc") == "%2e.%2f..%2fetc");
  CHECK(file_name_of(".hidden") == "%2ehidden");
}

TEST_CASE("archives may lie elsewhere") {
  const TemporaryDirectory directory;
  const Result<StateDirectory> state = StateDirectory::open(directory / "state");
  REQUIRE(state.has_value());
  const Result<AppPlace> place = state->make_app_place("shop", directory / "archives");
  REQUIRE(place.has_value());
  CHECK(place->archives == directory / "archives");
  CHECK_FALSE(std::filesystem::exists(directory / "state/apps/shop/archives"));
  CHECK(place->torrents == directory / "state/apps/shop/torrents");
}

TEST_CASE("the state is for its user alone, and one agent has it") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a/b/state";
  Result<StateDirectory> state = StateDirectory::open(path);
  REQUIRE(state.has_value());
  CHECK(mode_of(path) == 0700);
  const Result<StateDirectory> second = StateDirectory::open(path);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == ErrorCode::conflict);
  const Result<AppPlace> place = state->make_app_place("../x");
  REQUIRE(place.has_value());
  CHECK(place->run == path + "/apps/%2e.%2fx/run");
  CHECK(torrent_path(*place, some_hash) == place->torrents + "/" + some_hash.hex() + ".torrent");
}

TEST_CASE("a state that others may look into is refused") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  REQUIRE(mkdir(path.c_str(), 0700) == 0);
  REQUIRE(chmod(path.c_str(), 0750) == 0);
  const Result<StateDirectory> state = StateDirectory::open(path);
  REQUIRE_FALSE(state.has_value());
  CHECK(state.error().text.find("chmod 0700") != std::string::npos);
}

TEST_CASE("what is saved is loaded; what is damaged is put aside and said") {
  const TemporaryDirectory directory;
  const std::string path = directory / "state";
  Result<StateDirectory> state = StateDirectory::open(path);
  REQUIRE(state.has_value());
  std::string warning;
  CHECK(state->load(warning)->apps.empty());
  const control::KeptAgent kept{
      .origin = 5, .revision = 6, .apps = {{.app = "shop", .ready = {{some_hash, 3}}}}};
  REQUIRE(state->save(kept).has_value());
  const Result<control::KeptAgent> loaded = state->load(warning);
  REQUIRE(loaded.has_value());
  CHECK(loaded->apps.at(0).ready == kept.apps[0].ready);
  CHECK(mode_of(path + "/kept.json") == 0600);
  CHECK(warning.empty());
  REQUIRE(write_small_file(path + "/kept.json", "{", false).has_value());
  CHECK(state->load(warning)->apps.empty());
  CHECK(warning.find("begins anew") != std::string::npos);
  CHECK(std::filesystem::exists(path + "/kept.json.damaged"));
}

TEST_CASE("room is put by, and stays where it was") {
  const TemporaryDirectory directory;
  Result<StateDirectory> state = StateDirectory::open(directory / "state");
  REQUIRE(state.has_value());
  state->put_by();
  CHECK(std::filesystem::file_size(directory / "state/reserve") >= 64 * 1024);
}
