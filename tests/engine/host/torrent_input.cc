#include "engine/host/torrent_input.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include "../../fleet_secrets.h"
#include "../../temporary_directory.h"
#include "engine/io/sockets.h"

namespace murder::host {
namespace {

std::string one_piece() {
  const std::vector<Sha1Digest> digests(1);
  return codec::encode_metainfo({.name = "v1.tar",
                                 .geometry = {.total_bytes = 5, .piece_bytes = 16384},
                                 .piece_digests = digests});
}

std::string written(const TemporaryDirectory& scratch, const std::string& content) {
  std::string path = scratch / "v1.torrent";
  std::ofstream(path, std::ios::trunc) << content;
  return path;
}

}  // namespace

TEST_CASE("a torrent is the same from a path and from an open file") {
  const TemporaryDirectory scratch;
  const std::string path = written(scratch, one_piece());
  const Result<TorrentInput> by_path = load_torrent(path, true);
  REQUIRE(by_path);
  CHECK(by_path->metainfo.name == "v1.tar");
  const io::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const Result<TorrentInput> by_fd = read_torrent(file.get(), "standard input");
  REQUIRE(by_fd);
  CHECK(by_fd->info_hash == by_path->info_hash);
}

TEST_CASE("keys of the fleet come in lines in front of a torrent, on standard input alone") {
  const TemporaryDirectory scratch;
  const std::string line = trust::key_text(trust::KeyKind::fleet, test::secret_of(1)) + "\n";
  const std::string path = written(scratch, line + one_piece());
  const io::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const Result<TorrentInput> torrent = read_torrent(file.get(), "standard input");
  REQUIRE(torrent);
  CHECK(torrent->metainfo.name == "v1.tar");
  REQUIRE(torrent->fleet_keys);
  CHECK(torrent->fleet_keys->fleet.first() == test::secret_of(1));
  CHECK_FALSE(load_torrent(path, true));
  CHECK_FALSE(load_torrent(written(scratch, one_piece()), true)->fleet_keys);
  // A line that is damaged, or two many, is refused without being shown.
  for (const std::string& wrong :
       {"murder-fleet-1-abc\n" + one_piece(), line + line + line + one_piece(), line.substr(0, 30),
        line, "murder-\n" + one_piece()}) {
    const std::string damaged = written(scratch, wrong);
    const io::Fd other(open(damaged.c_str(), O_RDONLY | O_CLOEXEC));
    const Result<TorrentInput> refused = read_torrent(other.get(), "standard input");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text.find("0101") == std::string::npos);
  }
}

TEST_CASE("no more is taken for lines of keys than a key file may have, and one line") {
  const std::string line = "murder-" + std::string(92, 'x') + "\n";
  std::string many;
  for (int count = 0; count < 1000; ++count) {
    many += line;
  }
  CHECK(key_lines_of(line + "d4:info") == line);
  CHECK(key_lines_of(many).size() <= limits::fleet_key_file_bytes_max + line.size());
  CHECK(key_lines_of(line.substr(0, 50)).empty());
}

TEST_CASE("what is no torrent is told by the name that it was asked by") {
  const TemporaryDirectory scratch;
  for (const char* content : {"", "no torrent"}) {
    const std::string path = written(scratch, content);
    const Result<TorrentInput> torrent = load_torrent(path);
    REQUIRE_FALSE(torrent);
    CHECK(torrent.error().text.starts_with(path + " is not a usable torrent"));
    const io::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    CHECK(read_torrent(file.get(), "standard input")
              .error()
              .text.starts_with("standard input is not a usable torrent"));
  }
  CHECK(load_torrent(scratch / "missing").error().code == ErrorCode::not_found);
}

TEST_CASE("a torrent that others could have put there is shown, and not acted on") {
  const TemporaryDirectory scratch;
  const std::string path = written(scratch, one_piece());
  REQUIRE(chmod(scratch.path().c_str(), 01777) == 0);
  REQUIRE(chmod(path.c_str(), 0666) == 0);
  CHECK(load_torrent(path));
  CHECK_FALSE(load_torrent(path, true));
}

}  // namespace murder::host
