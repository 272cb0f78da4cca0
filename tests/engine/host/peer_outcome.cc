#include "engine/host/peer_outcome.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../temporary_directory.h"

using namespace murder;
using namespace murder::host;
namespace fs = std::filesystem;

TEST_CASE("a tree that was noted before it got its name is known by it, and no other is") {
  const TemporaryDirectory temporary;
  const std::string run = temporary.path() + "/run";
  const std::string hidden = temporary.path() + "/hidden";
  const std::string target = temporary.path() + "/v1";
  fs::create_directory(hidden);
  const io::Fd tree(open(hidden.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK_FALSE(was_placed(run, "v1", "hash", target));
  note_placing(run, "v1", "hash", tree.get());
  CHECK_FALSE(was_placed(run, "v1", "hash", target));
  fs::rename(hidden, target);
  CHECK(was_placed(run, "v1", "hash", target));
  CHECK_FALSE(was_placed(run, "v1", "other hash", target));
  CHECK_FALSE(was_placed(run, "v2", "hash", target));
  CHECK_FALSE(was_placed(run, "v1", "hash", temporary.path()));
  fs::rename(target, temporary.path() + "/aside");
  fs::create_directory_symlink("aside", target);
  CHECK_FALSE(was_placed(run, "v1", "hash", target));
  fs::remove(target);
  fs::rename(temporary.path() + "/aside", target);
  forget_placing(run, "v1");
  CHECK_FALSE(was_placed(run, "v1", "hash", target));
}

TEST_CASE("a tree whose content was compared with a signature is noted as that content") {
  const TemporaryDirectory temporary;
  const std::string run = temporary.path() + "/run";
  const io::Fd tree(open(temporary.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  note_placing(run, "v1", "hash", tree.get(), false);
  CHECK(was_placed(run, "v1", "hash", temporary.path()));
  CHECK_FALSE(was_placed(run, "v1", "hash", temporary.path(), "sha"));
  note_placing(run, "v1", "hash", tree.get(), false, "sha");
  CHECK(was_placed(run, "v1", "hash", temporary.path(), "sha"));
  CHECK_FALSE(was_placed(run, "v1", "hash", temporary.path(), "other"));
  CHECK(was_placed(run, "v1", "hash", temporary.path()));
}

TEST_CASE("a note that is damaged says nothing") {
  const TemporaryDirectory temporary;
  const std::string run = temporary.path() + "/run";
  const io::Fd tree(open(temporary.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  note_placing(run, "v1", "hash", tree.get());
  CHECK(was_placed(run, "v1", "hash", temporary.path()));
  for (const char* text :
       {"", "{", "[]", "{\"info_hash\": \"hash\"}", "{\"info_hash\": \"hash\", \"tree\": 1}"}) {
    CAPTURE(text);
    const std::string path = run + "/" + placing_file_name("v1");
    const io::Fd file(open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    REQUIRE(file.is_open());
    REQUIRE(write(file.get(), text, std::string_view(text).size()) >= 0);
    CHECK_FALSE(was_placed(run, "v1", "hash", temporary.path()));
  }
}
