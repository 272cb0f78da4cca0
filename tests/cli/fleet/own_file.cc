#include "cli/fleet/own_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/fleet/config.h"
#include "cli/fleet/private_directory.h"
#include "support.h"

namespace murder::fleet {
namespace {

namespace fs = std::filesystem;

constexpr uid_t somebody_else = 65534;

// The working directory, while it lives.
class InDirectory {
 public:
  explicit InDirectory(const std::string& path) : before_(fs::current_path()) {
    fs::current_path(path);
  }
  ~InDirectory() { fs::current_path(before_); }

 private:
  fs::path before_;
};

}  // namespace

TEST_CASE("a murder.toml that others own or can write decides nothing, unless it is named") {
  const TemporaryDirectory temporary;
  const InDirectory in(temporary.path());
  REQUIRE(chmod(".", 0755) == 0);
  write_file("murder.toml", "[roles]\npeer = \"w1\"\n");
  REQUIRE(chmod("murder.toml", 0644) == 0);
  CHECK(load_config("").value().peers.size() == 1);
  const auto is_refused = [](const std::string& why) {
    const Result<Config> config = load_config("");
    return !config && config.error().code == ErrorCode::permission &&
           config.error().text.find(why) != std::string::npos &&
           config.error().text.find("--config ./murder.toml") != std::string::npos &&
           load_config("murder.toml").has_value();
  };
  REQUIRE(chmod("murder.toml", 0666) == 0);
  CHECK(is_refused("murder.toml can be written by every user"));
  REQUIRE(chmod("murder.toml", 0644) == 0);
  REQUIRE(chmod(".", 0777) == 0);
  CHECK(is_refused("the directory of murder.toml can be written by every user"));
  // Nobody can touch a file of another user in such a directory.
  REQUIRE(chmod(".", 01777) == 0);
  CHECK(load_config("").has_value());
  REQUIRE(chmod(".", 0755) == 0);
  if (geteuid() != 0) {
    MESSAGE("files of other users: skipped, needs root");
    return;
  }
  REQUIRE(chown("murder.toml", somebody_else, 0) == 0);
  CHECK(is_refused("murder.toml belongs to "));
  REQUIRE(chown("murder.toml", 0, 0) == 0);
  REQUIRE(chown(".", somebody_else, 0) == 0);
  CHECK(is_refused("the directory of murder.toml belongs to "));
  REQUIRE(chown(".", 0, 0) == 0);
  REQUIRE(chown("murder.toml", 0, somebody_else) == 0);
  REQUIRE(chmod("murder.toml", 0664) == 0);
  CHECK(is_refused("murder.toml can be written by its group"));
}

TEST_CASE("a file of a common directory counts only if it is ours, under its own name") {
  const TemporaryDirectory temporary;
  const std::string path = temporary.path() + "/v1.tar.zst.torrent";
  CHECK(open_own_file(path).error().code == ErrorCode::not_found);
  REQUIRE(write_own_file(path, "bytes"));
  const auto own = open_own_file(path);
  REQUIRE(own);
  CHECK(read_file(path_of(*own)) == "bytes");
  CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  fs::create_symlink(path, temporary.path() + "/link");
  CHECK(open_own_file(temporary.path() + "/link").error().text.find("symbolic link") !=
        std::string::npos);
  REQUIRE(chmod(path.c_str(), 0666) == 0);
  CHECK(open_own_file(path).error().code == ErrorCode::permission);
  REQUIRE(chmod(path.c_str(), 0644) == 0);
  if (geteuid() == 0) {
    REQUIRE(chown(path.c_str(), somebody_else, 0) == 0);
    CHECK(open_own_file(path).error().text.find("belongs to ") != std::string::npos);
  }
}

TEST_CASE("a link that was put at a name is replaced, and what it leads to is not written") {
  const TemporaryDirectory temporary;
  write_file(temporary.path() + "/precious", "precious");
  const std::string path = temporary.path() + "/v1.torrent";
  fs::create_symlink("precious", path);
  REQUIRE(write_own_file(path, "bytes"));
  CHECK(read_file(temporary.path() + "/precious") == "precious");
  CHECK_FALSE(fs::is_symlink(path));
  CHECK(read_file(path) == "bytes");
  CHECK(std::distance(fs::directory_iterator(temporary.path()), fs::directory_iterator()) == 2);
}

TEST_CASE("what a run that was killed has left is removed by the next, and no other") {
  const TemporaryDirectory temporary;
  const auto in_use = PrivateDirectory::make(temporary.path());
  REQUIRE(in_use);
  const std::string abandoned = temporary.path() + "/murder-deploy-Abc123";
  const std::string young = temporary.path() + "/murder-deploy-Young1";
  const std::string other = temporary.path() + "/other-directory";
  for (const std::string& path : {abandoned, young, other}) {
    fs::create_directory(path);
    write_file(path + "/file", "x");
  }
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (const std::string& path : {abandoned, other, in_use->path()}) {
    fs::last_write_time(path, long_ago);
  }
  REQUIRE(PrivateDirectory::make(temporary.path()));
  CHECK_FALSE(fs::exists(abandoned));
  CHECK(fs::exists(young));
  CHECK(fs::exists(other));
  CHECK(fs::exists(in_use->path()));
}

}  // namespace murder::fleet
