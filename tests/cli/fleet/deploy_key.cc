#include "cli/fleet/deploy_key.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "../../temporary_directory.h"
#include "cli/fleet/file_with_more.h"
#include "engine/base/small_file.h"

using namespace murder;
using namespace murder::fleet;

namespace {

std::string content_of(int fd) {
  std::string text;
  std::array<char, 1000> part{};
  for (off_t offset = 0;;) {
    const ssize_t size = ::pread(fd, part.data(), part.size(), offset);
    if (size <= 0) {
      return text;
    }
    text.append(part.data(), static_cast<size_t>(size));
    offset += size;
  }
}

}  // namespace

TEST_CASE("each deploy makes a key that others do not have") {
  const Result<std::string> one = make_deploy_key();
  const Result<std::string> two = make_deploy_key();
  REQUIRE((one && two));
  CHECK(*one != *two);
  REQUIRE(keys_of_deploy(*one));
  CHECK(trust::key_text(trust::KeyKind::fleet, keys_of_deploy(*one)->fleet.first()) == *one);
  CHECK_FALSE(keys_of_deploy(""));
}

TEST_CASE("the operator's key of a deploy is none of its fleet") {
  const Result<std::string> key = make_deploy_operator_key();
  REQUIRE(key);
  CHECK(trust::parse_key(*key)->kind == trust::KeyKind::opener);
  CHECK_FALSE(keys_of_deploy(*key));
}

TEST_CASE("the key is a line in front of the torrent") {
  CHECK(with_deploy_key("murder-fleet-1-x", "d4:infode") == "murder-fleet-1-x\nd4:infode");
  CHECK(with_deploy_key("", "d4:infode") == "d4:infode");
}

TEST_CASE("a file in memory is the archive and what is behind it") {
  const TemporaryDirectory directory;
  const std::string archive(200'001, 'a');
  REQUIRE(write_small_file(directory / "archive", archive));
  const io::Fd file(::open((directory / "archive").c_str(), O_RDONLY | O_CLOEXEC));
  const Result<io::Fd> both = file_with_more_behind(file.get(), "key\ntorrent");
  REQUIRE(both);
  CHECK(content_of(both->get()) == archive + "key\ntorrent");
}
