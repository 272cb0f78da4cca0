#include "engine/host/known_hosts_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "../../temporary_directory.h"
#include "engine/base/small_file.h"
#include "engine/trust/key_line.h"

using namespace murder;
using host::load_known_hosts;

namespace {

constexpr const char* host_line =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHpb0Xo4fOb/2G5KqPi8Hs95YA0yOqWTdLgC7+0UfQVu";

}  // namespace

TEST_CASE("known hosts are read from a file that nobody else may write") {
  const TemporaryDirectory directory;
  const std::string path = directory / "known_hosts";
  CHECK(load_known_hosts(path).error().code == ErrorCode::not_found);
  REQUIRE(write_small_file(path, std::string("web7 ") + host_line + "\n"));
  const Result<trust::KnownHosts> known = load_known_hosts(path);
  REQUIRE(known);
  CHECK(known->check("web7", 22, *trust::parse_key_line(host_line)));
  REQUIRE(::chmod(path.c_str(), 0666) == 0);
  const Result<trust::KnownHosts> open = load_known_hosts(path);
  REQUIRE_FALSE(open);
  CHECK(open.error().code == ErrorCode::conflict);
  CHECK(open.error().text.find(path) != std::string::npos);
  CHECK_FALSE(load_known_hosts(directory.path()));
}
