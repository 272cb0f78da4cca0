#include "engine/host/bounded_read.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "../../temporary_directory.h"
#include "engine/base/small_file.h"

using namespace murder;

namespace {

constexpr size_t secret_bytes_max = 100;

// What is wrong; nothing: it is read.
std::optional<ErrorCode> trouble_of_secret(const std::string& path) {
  const Result<std::string> text = host::read_private_file(path, "the secret", secret_bytes_max);
  CHECK((!text || *text == "secret"));
  return text ? std::nullopt : std::optional(text.error().code);
}

std::optional<ErrorCode> trouble_of_mode(const std::string& path, mode_t mode) {
  REQUIRE(::chmod(path.c_str(), mode) == 0);
  return trouble_of_secret(path);
}

}  // namespace

TEST_CASE("a secret is a file that nobody else may read or write") {
  const TemporaryDirectory directory;
  const std::string path = directory / "secret";
  CHECK(trouble_of_secret(path) == ErrorCode::not_found);
  REQUIRE(write_small_file(path, "secret"));
  for (const mode_t mode : {0600U, 0400U, 0700U}) {
    CHECK_FALSE(trouble_of_mode(path, mode));
  }
  for (const mode_t mode : {0640U, 0620U, 0610U, 0604U, 0602U, 0601U}) {
    CHECK(trouble_of_mode(path, mode) == ErrorCode::permission);
  }
  CHECK(trouble_of_secret(directory.path()) == ErrorCode::invalid_input);
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
  CHECK(trouble_of_secret(directory / "fifo") == ErrorCode::invalid_input);
  if (::geteuid() == 0) {
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    REQUIRE(::chown(path.c_str(), 12345, 12345) == 0);
    CHECK(trouble_of_secret(path) == ErrorCode::permission);
  }
}

TEST_CASE("the group may read what systemd hands to a service, and that alone") {
  const TemporaryDirectory directory;
  const std::string credentials = directory / "credentials";
  std::filesystem::create_directories(credentials + "/below");
  REQUIRE(::setenv("CREDENTIALS_DIRECTORY", credentials.c_str(), 1) == 0);
  for (const std::string& path :
       {credentials + "/key", credentials + "/below/key", directory / "key", credentials + "key"}) {
    REQUIRE(write_small_file(path, "secret"));
    CHECK_FALSE(trouble_of_mode(path, 0400));
    CHECK((trouble_of_mode(path, 0440) == std::nullopt) == (path == credentials + "/key"));
    for (const mode_t mode : {0460U, 0444U}) {
      CHECK(trouble_of_mode(path, mode) == ErrorCode::permission);
    }
  }
  REQUIRE(::chmod((directory / "key").c_str(), 0440) == 0);
  CHECK(trouble_of_secret(credentials + "/../key") == ErrorCode::permission);
  ::unsetenv("CREDENTIALS_DIRECTORY");
  REQUIRE(::chmod((credentials + "/key").c_str(), 0440) == 0);
  CHECK(trouble_of_secret(credentials + "/key") == ErrorCode::permission);
}
