#include "engine/host/release_trust.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "../../temporary_directory.h"

using namespace murder;
using namespace murder::host;

namespace {

const std::string signer_line =
    "ann@example.net ssh-ed25519 "
    "AAAAC3NzaC1lZDI1NTE5AAAAIE6NwT0HsbqGGCpHPNg0TBRDCUV+jK6J7WvsCeBPLAjI\n";

TorrentInput torrent_of(const std::string& name) {
  TorrentInput torrent;
  torrent.metainfo.name = name;
  torrent.metainfo.geometry = {.total_bytes = 4, .piece_bytes = 16384};
  return torrent;
}

ErrorCode code_of(const TrustDemand& demand, const TorrentInput& torrent) {
  const Result<std::optional<TrustedRelease>> trusted = check_release_trust(demand, torrent, "v1");
  REQUIRE_FALSE(trusted);
  return trusted.error().code;
}

}  // namespace

TEST_CASE("a file of signers that is named is read, or nothing is taken") {
  const TemporaryDirectory scratch;
  const std::string path = scratch / "allowed_signers";
  const TrustDemand demand{.allowed_signers = path};
  CHECK(code_of(demand, torrent_of("v1")) == ErrorCode::not_found);
  std::filesystem::create_symlink("nothing", path);
  CHECK(code_of(demand, torrent_of("v1")) == ErrorCode::conflict);
  std::filesystem::remove(path);
  std::ofstream(path) << signer_line;
  REQUIRE(load_trust(path));
  CHECK(load_trust(path).value()->signers.size() == 1);
  for (const mode_t mode : {0666U, 0646U}) {
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    CHECK(code_of(demand, torrent_of("v1")) == ErrorCode::conflict);
  }
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  REQUIRE(::chmod(scratch.path().c_str(), 0777) == 0);
  CHECK(code_of(demand, torrent_of("v1")) == ErrorCode::conflict);
  REQUIRE(::chmod(scratch.path().c_str(), 0700) == 0);
  std::ofstream(path) << signer_line << "# murder: require = many\n";
  CHECK_FALSE(load_trust(path));
}

TEST_CASE("what is not signed is refused, and the error says who is trusted and what to do") {
  const TemporaryDirectory scratch;
  const std::string path = scratch / "allowed_signers";
  std::ofstream(path) << signer_line;
  TorrentInput torrent = torrent_of("v1");
  CHECK(code_of({.allowed_signers = path}, torrent) == ErrorCode::untrusted);
  torrent.metainfo.signed_statement = codec::SignedStatement{.text = "murder-release 1\n"};
  const auto refused = check_release_trust({.allowed_signers = path}, torrent, "v1\n\x1B[2J");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::untrusted);
  CHECK(refused.error().text.find(path) != std::string::npos);
  CHECK(refused.error().text.find("murder sign") != std::string::npos);
  CHECK(refused.error().text.find('\x1B') == std::string::npos);
}
