#include "engine/archive/content_digest.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "engine/archive/create_release.h"
#include "engine/archive/deliver.h"
#include "engine/archive/unpack.h"
#include "engine/archive/verify.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

ContentDigest digest_of(std::string_view content) {
  return {.sha256 = hash::sha256(as_bytes_of(content)), .size_bytes = content.size()};
}

// Counts how often something could have got its name.
class Gate : public Observer {
 public:
  Status may_place() override {
    ++asked;
    return answer;
  }

  Status answer;
  int asked = 0;
};

ErrorCode code_of(const Result<std::string>& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

codec::Metainfo two_files() {
  codec::Metainfo metainfo;
  metainfo.is_single_file = false;
  metainfo.files = {{.path = "a", .offset = 0, .size_bytes = 3},
                    {.path = ".pad/5", .offset = 3, .size_bytes = 5, .is_padding = true},
                    {.path = "sub/b", .offset = 8, .size_bytes = 3}};
  return metainfo;
}

const std::string two_files_content("one\0\0\0\0\0two", 11);

void make_two_files(const TemporaryDirectory& temporary) {
  make_directory(temporary / "content");
  make_directory(temporary / "content/sub");
  write_file(temporary / "content/a", "one");
  write_file(temporary / "content/sub/b", "two");
}

}  // namespace

TEST_CASE("an archive of other content than was signed gets no name") {
  TemporaryDirectory temporary;
  const std::string tar = raw_tar({{.path = "./file", .content = "text"}});
  const auto unpacks = [&](const ContentDigest& expected, Observer& observer) {
    MemorySource source(tar);
    const Result<Unpacked> unpacked = unpack(source,
                                             {.archive_name = "v1.tar",
                                              .directory = temporary / "to",
                                              .tag = "v1",
                                              .signed_content = expected},
                                             observer);
    CHECK(unpacked.has_value() == exists(temporary / "to/v1"));
    CHECK(names_in(temporary / "to").size() == (unpacked ? 1 : 0));
    return unpacked ? Result<std::string>(unpacked->path) : fail(unpacked.error());
  };
  Gate gate;
  ContentDigest other = digest_of(tar);
  other.sha256.bytes[31] ^= 1U;
  CHECK(code_of(unpacks(other, gate)) == ErrorCode::untrusted);
  // The same digest of another length is not there; a wrong length is wrong all the same.
  ContentDigest longer = digest_of(tar);
  ++longer.size_bytes;
  CHECK(code_of(unpacks(longer, gate)) == ErrorCode::untrusted);
  CHECK(gate.asked == 0);
  gate.answer = fail(ErrorCode::untrusted, "older");
  CHECK(code_of(unpacks(digest_of(tar), gate)) == ErrorCode::untrusted);
  CHECK(gate.asked == 1);
  gate.answer = {};
  CHECK(unpacks(digest_of(tar), gate));
}

TEST_CASE("what stands behind the end of an archive is part of what was signed") {
  TemporaryDirectory temporary;
  const std::string tar = raw_tar({{.path = "./file", .content = "text"}});
  MemorySource source(tar + std::string(100'000, 'x'));
  Notes notes;
  const Result<Unpacked> unpacked = unpack(source,
                                           {.archive_name = "v1.tar",
                                            .directory = temporary / "to",
                                            .tag = "v1",
                                            .signed_content = digest_of(tar)},
                                           notes);
  REQUIRE_FALSE(unpacked);
  CHECK(unpacked.error().code == ErrorCode::untrusted);
  CHECK(names_in(temporary / "to").empty());
}

TEST_CASE("a file of other content than was signed replaces nothing, whatever its pieces say") {
  TemporaryDirectory temporary;
  write_file(temporary / "content", "evil");
  write_file(temporary / "target", "old");
  codec::Metainfo metainfo;
  metainfo.geometry = {.total_bytes = 4, .piece_bytes = 16384};
  metainfo.files = {{.path = "content", .size_bytes = 4}};
  Notes notes;
  metainfo.piece_digests = hash_pieces(temporary / "content", metainfo.geometry, {}, notes).value();
  Gate gate;
  DeliverFileOptions options{.file_path = temporary / "content",
                             .name = "v1",
                             .to = temporary / "target",
                             .metainfo = &metainfo,
                             .observer = &gate,
                             .signed_content = digest_of("good")};
  CHECK(code_of(deliver_file(options)) == ErrorCode::untrusted);
  options.metainfo = nullptr;  // nor where there are none
  CHECK(code_of(deliver_file(options)) == ErrorCode::untrusted);
  CHECK(gate.asked == 0);
  options.signed_content = digest_of("evil");
  gate.answer = fail(ErrorCode::untrusted, "older");
  CHECK(code_of(deliver_file(options)) == ErrorCode::untrusted);
  CHECK(read_file(temporary / "target") == "old");
  CHECK(names_in(temporary.path()) == std::vector<std::string>{"content", "target"});
  gate.answer = {};
  CHECK(deliver_file(options));
  CHECK(read_file(temporary / "target") == "evil");
}

TEST_CASE("a file that lies there already under a second name is replaced by what was compared") {
  TemporaryDirectory temporary;
  write_file(temporary / "content", "text");
  REQUIRE(::link((temporary / "content").c_str(), (temporary / "target").c_str()) == 0);
  DeliverFileOptions options{.file_path = temporary / "content",
                             .name = "v1",
                             .to = temporary / "target",
                             .signed_content = digest_of("other")};
  CHECK(code_of(deliver_file(options)) == ErrorCode::untrusted);
  options.signed_content = digest_of("text");
  CHECK(deliver_file(options));
  write_file(temporary / "content", "changed");
  CHECK(read_file(temporary / "target") == "text");
}

TEST_CASE("the files of a torrent are signed as its pieces have them, padding included") {
  TemporaryDirectory temporary;
  make_two_files(temporary);
  const codec::Metainfo metainfo = two_files();
  CHECK(digest_of_content(metainfo, temporary / "content", nullptr).value() ==
        digest_of(two_files_content));
  Gate gate;
  DeliverTreeOptions options{.content_directory = temporary / "content",
                             .directory = temporary / "to",
                             .tag = "v1",
                             .signed_content = digest_of("one")};
  CHECK(code_of(deliver_tree(metainfo, options, gate)) == ErrorCode::untrusted);
  CHECK(gate.asked == 0);
  CHECK(names_in(temporary / "to").empty());
  options.signed_content = digest_of(two_files_content);
  CHECK(deliver_tree(metainfo, options, gate));
  CHECK(gate.asked == 1);
}

TEST_CASE("content that is not there, is cut, is longer or is a link has no digest") {
  TemporaryDirectory temporary;
  make_two_files(temporary);
  const codec::Metainfo metainfo = two_files();
  const std::string path = temporary / "content/a";
  for (const char* content : {"on", "onee", ""}) {
    write_file(path, content);
    CHECK_FALSE(digest_of_content(metainfo, temporary / "content", nullptr));
  }
  REQUIRE(::unlink(path.c_str()) == 0);
  CHECK_FALSE(digest_of_content(metainfo, temporary / "content", nullptr));
  write_file(temporary / "elsewhere", "one");
  REQUIRE(::symlink("../elsewhere", path.c_str()) == 0);
  CHECK_FALSE(digest_of_content(metainfo, temporary / "content", nullptr));
  CancelFlag cancel;
  cancel.set();
  const auto stopped = digest_of_content(metainfo, temporary / "content", &cancel);
  REQUIRE_FALSE(stopped);
}

TEST_CASE("what is packed, and a file, are hashed as they are made when a signature is wanted") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  Prng prng(3);
  write_file(temporary / "tree/data", random_text(prng, 3'000'000));
  write_file(temporary / "file", random_text(prng, 500'000));
  make_directory(temporary / "out");
  for (const char* source : {"tree", "file"}) {
    CAPTURE(source);
    Notes notes;
    const auto create = [&](bool hashes_content) {
      return create_release({.source = temporary / source,
                             .tag = "v1",
                             .directory = temporary / "out",
                             .replace = true,
                             .hashes_content = hashes_content},
                            notes)
          .value();
    };
    CHECK_FALSE(create(false).content_sha256);
    const CreatedRelease created = create(true);
    REQUIRE(created.content_sha256);
    CHECK(*created.content_sha256 == hash::sha256(as_bytes_of(read_file(created.archive_path))));
  }
}
