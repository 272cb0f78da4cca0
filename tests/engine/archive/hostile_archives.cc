// Archives that are made to do harm, or are damaged: an Error that names the entry, nothing at the
// target, nothing changed outside it.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "engine/archive/bounds.h"
#include "engine/archive/entry_path.h"
#include "engine/archive/make_compressor.h"
#include "engine/archive/tar_header.h"
#include "engine/archive/unpack.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

Result<Unpacked> unpack_text(const std::string& archive, const std::string& to,
                             uint64_t bytes_max = 0) {
  MemorySource source(archive);
  Notes notes;
  return unpack(
      source,
      {.archive_name = "bad.tar", .directory = to, .tag = "v1", .unpacked_bytes_max = bytes_max},
      notes);
}

std::string compressed(const std::string& text, ArchiveFormat format) {
  MemorySink sink;
  const auto compressor = make_compressor({.format = format}, sink);
  REQUIRE(compressor);
  REQUIRE((*compressor)->write(as_bytes_of(text)));
  REQUIRE((*compressor)->finish());
  return sink.content;
}

// Unpacks beside a victim; it must fail, name `named`, and leave the victim alone.
void check_refused(const std::vector<RawEntry>& entries, const std::string& named) {
  CAPTURE(named);
  TemporaryDirectory temporary;
  write_file(temporary / "victim", "precious");
  make_directory(temporary / "to");
  const Result<Unpacked> unpacked = unpack_text(raw_tar(entries), temporary / "to");
  REQUIRE_FALSE(unpacked);
  CHECK_MESSAGE(unpacked.error().text.find("entry " + named) != std::string::npos,
                unpacked.error().text);
  CHECK(names_in(temporary / "to").empty());
  CHECK(names_in(temporary.path()) == std::vector<std::string>{"to", "victim"});
  CHECK(read_file(temporary / "victim") == "precious");
}

}  // namespace

TEST_CASE("names that lead out of the target are refused") {
  check_refused({{.path = "../victim", .content = "x"}}, "../victim");
  check_refused({{.path = "a/../../../victim", .content = "x"}}, "a/../../../victim");
  check_refused({{.path = "a/..", .type = EntryType::directory}}, "a/..");
  check_refused({{.path = "/etc/murder-test", .content = "x"}}, "/etc/murder-test");
  check_refused({{.path = "..", .type = EntryType::directory}}, "..");
  check_refused({{.path = std::string(limits::path_bytes_max + 1, 'x')}}, std::string(50, 'x'));
  std::string deep = "d";
  for (uint32_t level = 0; level < limits::path_depth_max; ++level) {
    deep += "/d";
  }
  check_refused({{.path = deep}}, "d/d/d");
}

TEST_CASE("nothing is made through a symbolic link of the archive") {
  check_refused({{.path = "link", .type = EntryType::symlink, .link_target = "../.."},
                 {.path = "link/victim", .content = "x"}},
                "link/victim");
  check_refused({{.path = "link", .type = EntryType::symlink, .link_target = "/tmp"},
                 {.path = "link/sub/murder-test", .content = "x"}},
                "link/sub/murder-test");
  // Nor when it leads back in: whoever reads the name cannot tell.
  check_refused({{.path = "a/link", .type = EntryType::symlink, .link_target = "../b"},
                 {.path = "b", .type = EntryType::directory},
                 {.path = "a/link/sub", .type = EntryType::directory}},
                "a/link/sub");
  check_refused({{.path = "link", .type = EntryType::symlink, .link_target = "nowhere"},
                 {.path = "link/file", .content = "x"}},
                "link/file");
  check_refused({{.path = "a", .type = EntryType::symlink, .link_target = "b"},
                 {.path = "b", .type = EntryType::symlink, .link_target = "a"},
                 {.path = "a/file", .content = "x"}},
                "a/file");
  // A link inside that a later one turns out.
  check_refused({{.path = "in", .type = EntryType::directory},
                 {.path = "a", .type = EntryType::symlink, .link_target = "b"},
                 {.path = "b", .type = EntryType::symlink, .link_target = "in"},
                 {.path = "a/one", .content = "x"},
                 {.path = "b", .type = EntryType::symlink, .link_target = "/tmp"},
                 {.path = "a/two", .content = "x"}},
                "a/two");
  // A hard link to a link is a link.
  check_refused({{.path = "link", .type = EntryType::symlink, .link_target = "../.."},
                 {.path = "hard", .type = EntryType::hard_link, .link_target = "link"},
                 {.path = "hard/victim", .content = "x"}},
                "hard/victim");
  // A chain, and a link put in place of a directory that was made before.
  check_refused({{.path = "a", .type = EntryType::symlink, .link_target = ".."},
                 {.path = "b", .type = EntryType::symlink, .link_target = "a/.."},
                 {.path = "b/victim", .content = "x"}},
                "b/victim");
  check_refused({{.path = "dir", .type = EntryType::directory},
                 {.path = "dir", .type = EntryType::symlink, .link_target = "../.."},
                 {.path = "dir/victim", .content = "x"}},
                "dir/victim");
}

TEST_CASE("a file named like an earlier symbolic link replaces it, and is not written through it") {
  TemporaryDirectory temporary;
  write_file(temporary / "victim", "precious");
  const std::string tar =
      raw_tar({{.path = "name", .type = EntryType::symlink, .link_target = temporary / "victim"},
               {.path = "name", .content = "new"}});
  REQUIRE(unpack_text(tar, temporary.path()));
  CHECK(read_file(temporary / "victim") == "precious");
  CHECK(read_file(temporary / "v1/name") == "new");
}

TEST_CASE("a file named like an earlier hard link does not change the other name's content") {
  TemporaryDirectory temporary;
  const std::string tar =
      raw_tar({{.path = "one", .content = "first"},
               {.path = "two", .type = EntryType::hard_link, .link_target = "one"},
               {.path = "two", .content = "second"}});
  REQUIRE(unpack_text(tar, temporary.path()));
  CHECK(read_file(temporary / "v1/one") == "first");
  CHECK(read_file(temporary / "v1/two") == "second");
}

TEST_CASE("hard links reach neither outside nor what is not there, nor through links") {
  for (const char* target : {"../../victim", "/etc/passwd", "a/../../victim", ".", "missing"}) {
    CAPTURE(target);
    check_refused({{.path = "h", .type = EntryType::hard_link, .link_target = target}}, "h");
  }
  check_refused({{.path = "link", .type = EntryType::symlink, .link_target = "../.."},
                 {.path = "h", .type = EntryType::hard_link, .link_target = "link/victim"}},
                "h");
  check_refused({{.path = "dir", .type = EntryType::directory},
                 {.path = "h", .type = EntryType::hard_link, .link_target = "dir"}},
                "h");
  // To the symbolic link itself it is one: what is behind stays untouched.
  TemporaryDirectory temporary;
  write_file(temporary / "victim", "precious", 0600);
  const std::string tar =
      raw_tar({{.path = "link", .type = EntryType::symlink, .link_target = temporary / "victim"},
               {.path = "h", .type = EntryType::hard_link, .link_target = "link"}});
  REQUIRE(unpack_text(tar, temporary.path()));
  struct stat status {};
  REQUIRE(::lstat((temporary / "v1/h").c_str(), &status) == 0);
  CHECK(S_ISLNK(status.st_mode));
}

TEST_CASE("devices and fifos are refused") {
  for (const char type : {'3', '4', '6'}) {
    CAPTURE(type);
    check_refused({{.path = "node", .tar_type = type}}, "node");
  }
}

TEST_CASE("a directory that is not empty is not replaced, nor is a file gone through") {
  check_refused(
      {{.path = "d", .type = EntryType::directory}, {.path = "d/f"}, {.path = "d", .content = "x"}},
      "d");
  check_refused({{.path = "d/f"}, {.path = "d", .type = EntryType::symlink, .link_target = "e"}},
                "d");
  check_refused({{.path = "f"},
                 {.path = "d/f"},
                 {.path = "d", .type = EntryType::hard_link, .link_target = "f"}},
                "d");
  check_refused({{.path = "f", .content = "x"}, {.path = "f/g", .content = "x"}}, "f/g");
  check_refused({{.path = ".", .content = "x"}}, ".");
}

TEST_CASE("absolute and dangling symbolic links are made as they are") {
  TemporaryDirectory temporary;
  const std::string tar = raw_tar(
      {{.path = "absolute", .type = EntryType::symlink, .link_target = "/etc/alternatives/x"},
       {.path = "up", .type = EntryType::symlink, .link_target = "../../elsewhere"}});
  REQUIRE(unpack_text(tar, temporary.path()));
  char target[100] = {};
  REQUIRE(::readlink((temporary / "v1/absolute").c_str(), target, sizeof(target)) > 0);
  CHECK(std::string(target) == "/etc/alternatives/x");
}

TEST_CASE("what unpacks to more than the limit is refused, be it large files or many small ones") {
  TemporaryDirectory temporary;
  const std::string bomb =
      compressed(raw_tar({{.path = "small", .content = "x"},
                          {.path = "zeros", .content = std::string(50'000'000, '\0')}}),
                 ArchiveFormat::tar_zstd);
  CHECK(bomb.size() < 10000);
  const Result<Unpacked> unpacked = unpack_text(bomb, temporary.path(), 10'000'000);
  REQUIRE_FALSE(unpacked);
  CHECK(unpacked.error().code == ErrorCode::limit);
  CHECK(unpacked.error().text.find("entry zeros") != std::string::npos);
  CHECK(names_in(temporary.path()).empty());
  CHECK(unpack_text(bomb, temporary.path(), 50'001'024));

  std::vector<RawEntry> many;
  for (int index = 0; index < 100; ++index) {
    many.push_back({.path = "f" + std::to_string(index)});
  }
  TemporaryDirectory other;
  CHECK_FALSE(unpack_text(raw_tar(many), other.path(), 99 * 512));
  CHECK(unpack_text(raw_tar(many), other.path(), 100 * 512));
}

TEST_CASE("an archive that ends early or is damaged is refused, wherever that is") {
  Prng prng(11);
  std::vector<RawEntry> entries;
  for (int index = 0; index < 20; ++index) {
    entries.push_back({.path = "f" + std::to_string(index), .content = random_text(prng, 3000)});
  }
  for (const ArchiveFormat format :
       {ArchiveFormat::tar_zstd, ArchiveFormat::tar_gzip, ArchiveFormat::tar}) {
    const std::string whole = compressed(raw_tar(entries), format);
    for (uint32_t attempt = 0; attempt < 60; ++attempt) {
      const size_t keep = prng.below(static_cast<uint32_t>(whole.size()));
      // The zeros at the end of a tar may be missing, and so may whole entries before them.
      if (format == ArchiveFormat::tar &&
          (keep >= whole.size() - tar_end_bytes || keep % (7 * tar_block_bytes) == 0)) {
        continue;
      }
      CAPTURE(suffix_of(format));
      CAPTURE(keep);
      TemporaryDirectory temporary;
      CHECK_FALSE(unpack_text(whole.substr(0, keep), temporary.path()));
      CHECK(names_in(temporary.path()).empty());
    }
  }
  std::string damaged = compressed(raw_tar(entries), ArchiveFormat::tar_zstd);
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x40);
  TemporaryDirectory temporary;
  CHECK_FALSE(unpack_text(damaged, temporary.path()));
  CHECK(names_in(temporary.path()).empty());
}

TEST_CASE("what is no archive is said to be none") {
  TemporaryDirectory temporary;
  for (const std::string& text :
       {std::string(), std::string("#!/bin/sh\n"), std::string(100000, 'x')}) {
    const Result<Unpacked> unpacked = unpack_text(text, temporary.path());
    REQUIRE_FALSE(unpacked);
    CHECK(unpacked.error().text.find("bad.tar") == 0);
    CHECK(names_in(temporary.path()).empty());
  }
}

TEST_CASE("random damage never leaves anything half there, nor anything outside") {
  Prng prng(5);
  const std::string whole =
      raw_tar({{.path = "dir", .type = EntryType::directory, .mode = 0755},
               {.path = "dir/file", .content = random_text(prng, 2000)},
               {.path = "dir/link", .type = EntryType::symlink, .link_target = "file"},
               {.path = "dir/hard", .type = EntryType::hard_link, .link_target = "dir/file"},
               {.path = std::string(300, 'n'), .content = "long"}});
  for (int attempt = 0; attempt < 300; ++attempt) {
    std::string damaged = whole;
    for (uint32_t count = 1 + prng.below(4); count > 0; --count) {
      damaged[prng.below(static_cast<uint32_t>(damaged.size()))] = static_cast<char>(prng.next());
    }
    TemporaryDirectory temporary;
    make_directory(temporary / "to");
    const bool is_unpacked = unpack_text(damaged, temporary / "to", 10'000'000).has_value();
    CHECK(names_in(temporary.path()) == std::vector<std::string>{"to"});
    CHECK(names_in(temporary / "to").size() == (is_unpacked ? 1 : 0));
  }
}

TEST_CASE("safe names are made plain") {
  CHECK(safe_entry_path("./").value().empty());
  CHECK(safe_entry_path(".").value().empty());
  CHECK(safe_entry_path("./a//b/./c/").value() == "a/b/c");
  CHECK(safe_entry_path("..a/b..").value() == "..a/b..");
  CHECK_FALSE(safe_entry_path(""));
  CHECK_FALSE(safe_entry_path("a/.."));
  CHECK_FALSE(safe_entry_path("//a"));
}
