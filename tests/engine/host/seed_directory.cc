#include "engine/host/seed_directory.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"

namespace murder::host {

TEST_CASE("a tag is found as the torrent of a file, and as that of a packed tree") {
  const TemporaryDirectory directory;
  const std::string place = directory.path();
  std::ofstream(place + "/v1.torrent") << "x";
  std::ofstream(place + "/v2.tar.zst.torrent") << "x";
  std::ofstream(place + "/v3+a.torrent") << "x";
  CHECK(find_torrent(place, "v1") == place + "/v1.torrent");
  CHECK(find_torrent(place, "v2") == place + "/v2.tar.zst.torrent");
  CHECK(find_torrent(place, "v3\\x2ba") == place + "/v3+a.torrent");
  const auto missing = find_torrent(place, "v4");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
}

TEST_CASE("a tag does not lead out of the directory") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.path() + "/seed");
  std::ofstream(directory.path() + "/secret.torrent") << "x";
  CHECK_FALSE(find_torrent(directory.path() + "/seed", "../secret"));
  CHECK_FALSE(find_torrent(directory.path() + "/seed", "..\\x2fsecret"));
  CHECK_FALSE(find_torrent(directory.path() + "/seed", ""));
}

TEST_CASE("escapes of systemd are read, what looks like one stays") {
  CHECK(unescape_instance("v1\\x2dx") == "v1-x");
  CHECK(unescape_instance("v1-x") == "v1-x");
  CHECK(unescape_instance("v\\x2") == "v\\x2");
  CHECK(unescape_instance("v\\xzz") == "v\\xzz");
  CHECK(unescape_instance("\\") == "\\");
}

}  // namespace murder::host
