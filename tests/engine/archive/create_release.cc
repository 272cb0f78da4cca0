#include "engine/archive/create_release.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "engine/archive/unpack.h"
#include "engine/archive/verify.h"
#include "engine/codec/metainfo.h"
#include "engine/hash/info_hash.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

codec::Metainfo metainfo_of(const CreatedRelease& release) {
  const std::string torrent = read_file(release.torrent_path);
  const Result<codec::Metainfo> metainfo = codec::parse_metainfo(as_bytes_of(torrent));
  REQUIRE(metainfo);
  CHECK(hash::info_hash_of(as_bytes_of(metainfo->raw_info)) == release.info_hash);
  return *metainfo;
}

void check_verifies(const CreatedRelease& release) {
  Notes notes;
  const Result<BitSet> pieces =
      verify_content(metainfo_of(release), release.archive_path, {}, notes);
  REQUIRE(pieces);
  CHECK(pieces->all());
  CHECK(pieces->size() == release.piece_count);
}

Result<CreatedRelease> create(const CreateOptions& options) {
  Notes notes;
  return create_release(options, notes);
}

}  // namespace

TEST_CASE(
    "a directory becomes TAG.tar.zst and its torrent, which fit and unpack to the same tree") {
  TemporaryDirectory temporary;
  Prng prng(21);
  make_random_tree(temporary / "tree", prng, 100);
  make_directory(temporary / "temp");
  const Result<CreatedRelease> release =
      create({.source = temporary / "tree",
              .tag = "v1",
              .directory = temporary / "temp",
              .tracker_urls = {"http://t1:8998/announce", "http://t2:8998/announce"}});
  REQUIRE_MESSAGE(release, (release ? "" : release.error().text));
  CHECK(release->archive_path == temporary / "temp/v1.tar.zst");
  CHECK(names_in(temporary / "temp") ==
        std::vector<std::string>{"v1.tar.zst", "v1.tar.zst.torrent"});
  CHECK(release->piece_bytes == 16384);
  check_verifies(*release);
  const codec::Metainfo metainfo = metainfo_of(*release);
  CHECK(metainfo.name == "v1.tar.zst");
  CHECK(metainfo.is_private);
  CHECK(metainfo.tracker_tiers.size() == 2);
  Result<FileSource> source = FileSource::open(release->archive_path);
  REQUIRE(source);
  Notes notes;
  REQUIRE(unpack(
      *source,
      {.archive_name = "v1", .directory = temporary.path(), .tag = "v1", .keep_set_id = true},
      notes));
  CHECK(listing(temporary / "tree") == listing(temporary / "v1"));
}

TEST_CASE("the same tree makes the same archive and torrent") {
  TemporaryDirectory temporary;
  Prng prng(22);
  make_random_tree(temporary / "tree", prng, 60);
  std::vector<std::string> bytes;
  for (const char* name : {"one", "two"}) {
    make_directory(temporary / name);
    const Result<CreatedRelease> release =
        create({.source = temporary / "tree/./", .tag = "v1", .directory = temporary / name});
    REQUIRE(release);
    bytes.push_back(read_file(release->archive_path) + read_file(release->torrent_path));
  }
  CHECK(bytes[0] == bytes[1]);
}

TEST_CASE("pieces are hashed right when the archive has many of them, and its size is given") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  Prng prng(23);
  write_file(temporary / "tree/noise", random_text(prng, 5'000'000));
  const Result<CreatedRelease> release = create({.source = temporary / "tree",
                                                 .tag = "v1",
                                                 .directory = temporary.path(),
                                                 .compression = {.format = ArchiveFormat::tar_gzip},
                                                 .piece_bytes = 32768});
  REQUIRE(release);
  CHECK(release->archive_path == temporary / "v1.tar.gz");
  CHECK(release->piece_count == (release->archive_bytes + 32767) / 32768);
  check_verifies(*release);
}

TEST_CASE("a file is copied, so that writing the source changes nothing of the release") {
  TemporaryDirectory temporary;
  Prng prng(24);
  write_file(temporary / "app.bin", random_text(prng, 300'000), 0750);
  REQUIRE(::symlink("app.bin", (temporary / "current").c_str()) == 0);
  const Result<CreatedRelease> release =
      create({.source = temporary / "current", .tag = "v1", .directory = temporary.path()});
  REQUIRE_MESSAGE(release, (release ? "" : release.error().text));
  CHECK(release->archive_path == temporary / "v1");
  CHECK(release->torrent_path == temporary / "v1.torrent");
  CHECK(metainfo_of(*release).name == "v1");
  check_verifies(*release);
  struct stat source {};
  struct stat shared {};
  REQUIRE(::stat((temporary / "app.bin").c_str(), &source) == 0);
  REQUIRE(::lstat((temporary / "v1").c_str(), &shared) == 0);
  CHECK(source.st_ino != shared.st_ino);
  CHECK(shared.st_nlink == 1);
  CHECK((shared.st_mode & 0777U) == 0600U);
  CHECK((release->content == ArchiveContent::copied ||
         release->content == ArchiveContent::shares_blocks));
  {
    const Fd written(::open((temporary / "app.bin").c_str(), O_WRONLY));
    REQUIRE(::pwrite(written.get(), "changed", 7, 1000) == 7);
  }
  check_verifies(*release);
  CHECK(names_in(temporary.path()) ==
        std::vector<std::string>{"app.bin", "current", "v1", "v1.torrent"});
  // Again with --force, where both names are one file, which they are not any more then.
  REQUIRE(::unlink((temporary / "v1").c_str()) == 0);
  REQUIRE(::link((temporary / "app.bin").c_str(), (temporary / "v1").c_str()) == 0);
  CHECK_FALSE(
      create({.source = temporary / "app.bin", .tag = "v1", .directory = temporary.path()}));
  CHECK(create({.source = temporary / "app.bin",
                .tag = "v1",
                .directory = temporary.path(),
                .replace = true}));
  REQUIRE(::stat((temporary / "app.bin").c_str(), &source) == 0);
  CHECK(source.st_nlink == 1);
  // Where it lies in its place already, by another path.
  const Result<CreatedRelease> in_place = create(
      {.source = temporary / "./app.bin", .tag = "app.bin", .directory = temporary.path() + "/"});
  REQUIRE(in_place);
  CHECK(in_place->content == ArchiveContent::in_place);
  CHECK(names_in(temporary.path()) ==
        std::vector<std::string>{"app.bin", "app.bin.torrent", "current", "v1", "v1.torrent"});
}

TEST_CASE("a file on another file system is copied, with its holes") {
  TemporaryDirectory temporary;
  make_directory(temporary / "disk");
  CHECK(runs_on_small_disk(temporary / "disk", 1 << 20, [&temporary] {
    write_file_at(temporary / "sparse", 50'000'000, "end");
    const Result<CreatedRelease> release =
        create({.source = temporary / "sparse", .tag = "v1", .directory = temporary / "disk"});
    Notes notes;
    return release && read_file(temporary / "disk/v1") == read_file(temporary / "sparse") &&
           verify_content(metainfo_of(*release), release->archive_path, {}, notes)->all();
  }));
}

TEST_CASE("an empty file is a release without pieces") {
  TemporaryDirectory temporary;
  write_file(temporary / "empty", "");
  const Result<CreatedRelease> release =
      create({.source = temporary / "empty", .tag = "v1", .directory = temporary.path()});
  REQUIRE(release);
  CHECK(release->piece_count == 0);
  check_verifies(*release);
}

TEST_CASE("what is there already is an Error unless it is to be replaced") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  make_directory(temporary / "temp");
  write_file(temporary / "tree/file", "x");
  CreateOptions options{.source = temporary / "tree", .tag = "v1", .directory = temporary / "temp"};
  REQUIRE(create(options));
  const Result<CreatedRelease> again = create(options);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::exists);
  CHECK(again.error().text.find("--force") != std::string::npos);
  write_file(temporary / "tree/file", "changed");
  options.replace = true;
  const Result<CreatedRelease> replaced = create(options);
  REQUIRE(replaced);
  check_verifies(*replaced);
  CHECK(names_in(temporary / "temp").size() == 2);
}

TEST_CASE("what cannot be a release is refused with nothing left behind") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  make_directory(temporary / "tree/sub");
  make_directory(temporary / "temp");
  write_file(temporary / "file", "x");
  const auto code_of = [&](const CreateOptions& options) {
    const Result<CreatedRelease> release = create(options);
    REQUIRE_FALSE(release);
    CHECK(names_in(temporary / "temp").empty());
    return release.error().code;
  };
  CreateOptions options{.source = temporary / "tree", .tag = "v1", .directory = temporary / "temp"};
  CreateOptions changed = options;
  changed.tag = "a/b";
  CHECK(code_of(changed) == ErrorCode::invalid_input);
  changed = options;
  changed.piece_bytes = 100000;
  CHECK(code_of(changed) == ErrorCode::invalid_input);
  changed = options;
  changed.compression.level = 99;
  CHECK(code_of(changed) == ErrorCode::invalid_input);
  changed = options;
  changed.source = temporary / "missing";
  CHECK(code_of(changed) == ErrorCode::not_found);
  changed.source = "/dev/null";
  CHECK(code_of(changed) == ErrorCode::unsupported);
  changed = options;
  changed.directory = temporary / "nowhere";
  CHECK(code_of(changed) == ErrorCode::not_found);
  changed.directory = temporary / "tree/sub";
  CHECK(code_of(changed) == ErrorCode::invalid_input);
  changed.directory = temporary / "tree";
  CHECK(code_of(changed) == ErrorCode::invalid_input);
  changed = options;
  changed.source = temporary / "file";
  changed.tag = "v1.tar.gz";
  CHECK(code_of(changed) == ErrorCode::invalid_input);
  REQUIRE(::mkfifo((temporary / "tree/fifo").c_str(), 0644) == 0);
  CHECK(code_of(options) == ErrorCode::unsupported);
}

TEST_CASE("a disk that fills up while packing is an Error that says so, with nothing left behind") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  make_directory(temporary / "disk");
  Prng prng(25);
  write_file(temporary / "tree/noise", random_text(prng, 30'000'000));
  CHECK(runs_on_small_disk(temporary / "disk", 1 << 20, [&temporary] {
    const Result<CreatedRelease> release =
        create({.source = temporary / "tree", .tag = "v1", .directory = temporary / "disk"});
    return !release && release.error().code == ErrorCode::no_space &&
           names_in(temporary / "disk").empty();
  }));
}

TEST_CASE("attributes of a file that is a release are told to be left out") {
  TemporaryDirectory temporary;
  write_file(temporary / "file", "content");
  if (::setxattr((temporary / "file").c_str(), "user.origin", "x", 1, 0) != 0) {
    MESSAGE("no user attributes in " << temporary.path());
    return;
  }
  Notes notes;
  REQUIRE(create_release({.source = temporary / "file", .tag = "v1", .directory = temporary.path()},
                         notes));
  REQUIRE(notes.warnings.size() == 1);
  CHECK(notes.warnings[0].find("1 extended attributes of") == 0);
}

TEST_CASE("leftovers of a killed run are removed") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  make_directory(temporary / "temp");
  write_file(temporary / "temp/.v1.tar.zst.murder-0123456789ab", "half");
  write_file(temporary / "temp/.v1.tar.zst.torrent.murder-0123456789ab", "half");
  REQUIRE(create({.source = temporary / "tree", .tag = "v1", .directory = temporary / "temp"}));
  CHECK(names_in(temporary / "temp") ==
        std::vector<std::string>{"v1.tar.zst", "v1.tar.zst.torrent"});
}

TEST_CASE("a file that has content and states none is refused, not packed as an empty one") {
  if (!exists("/proc/version")) {
    MESSAGE("skipped: there is no /proc");
    return;
  }
  for (const char* source : {"/proc/version", "/proc/sys/kernel/random"}) {
    CAPTURE(source);
    TemporaryDirectory temporary;
    const Result<CreatedRelease> release =
        create({.source = source, .tag = "v1", .directory = temporary.path()});
    REQUIRE_FALSE(release);
    CHECK(release.error().text.find("says that its size is 0") != std::string::npos);
    CHECK(names_in(temporary.path()).empty());
  }
}
