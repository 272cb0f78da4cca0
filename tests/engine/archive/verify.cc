#include "engine/archive/verify.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hash/sha1.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

constexpr uint32_t piece_bytes = 16384;

codec::Metainfo metainfo_of(const std::string& content) {
  codec::Metainfo metainfo;
  metainfo.name = "content";
  metainfo.geometry = {.total_bytes = content.size(), .piece_bytes = piece_bytes};
  metainfo.files = {{.path = "content", .offset = 0, .size_bytes = content.size()}};
  for (size_t at = 0; at < content.size(); at += piece_bytes) {
    metainfo.piece_digests.push_back(
        hash::sha1(as_bytes_of(std::string_view(content).substr(at, piece_bytes))));
  }
  return metainfo;
}

std::vector<uint32_t> missing_of(const BitSet& pieces) {
  std::vector<uint32_t> missing;
  for (uint32_t index = pieces.find_unset(0); index < pieces.size();
       index = pieces.find_unset(index + 1)) {
    missing.push_back(index);
  }
  return missing;
}

// Files leave the page cache, where the file system lets go of them.
void make_cold(const std::string& path) {
  const Result<Fd> file = open_file(path, O_RDONLY);
  if (file) {
    ::fsync(file->get());
    ::posix_fadvise(file->get(), 0, 0, POSIX_FADV_DONTNEED);
  }
}

std::vector<uint32_t> missing_in(const codec::Metainfo& metainfo, const std::string& path) {
  Notes notes;
  std::vector<std::vector<uint32_t>> found;
  for (const uint32_t threads : {1U, 4U, 0U}) {
    for (const bool through_cache : {true, false}) {
      make_cold(path);
      const Result<BitSet> pieces = verify_content(
          metainfo, path, {.threads = threads, .through_cache = through_cache}, notes);
      REQUIRE_MESSAGE(pieces, (pieces ? "" : pieces.error().text));
      found.push_back(missing_of(*pieces));
    }
  }
  for (const std::vector<uint32_t>& each : found) {
    CHECK(each == found[0]);
  }
  return found[0];
}

}  // namespace

TEST_CASE("exactly the pieces that differ are missing, on one thread or several") {
  Prng prng(31);
  TemporaryDirectory temporary;
  std::string content = random_text(prng, 40 * piece_bytes + 77);
  const codec::Metainfo metainfo = metainfo_of(content);
  write_file(temporary / "f", content);
  CHECK(missing_in(metainfo, temporary / "f").empty());
  content[0] = static_cast<char>(content[0] ^ 1);
  content[17 * piece_bytes - 1] = static_cast<char>(content[17 * piece_bytes - 1] ^ 1);
  content.back() = static_cast<char>(content.back() ^ 1);
  write_file(temporary / "f", content);
  CHECK(missing_in(metainfo, temporary / "f") == std::vector<uint32_t>{0, 16, 40});
}

TEST_CASE(
    "a file that is too short lacks its last pieces; what is behind the end is not looked at") {
  Prng prng(32);
  TemporaryDirectory temporary;
  const std::string content = random_text(prng, 10 * piece_bytes);
  const codec::Metainfo metainfo = metainfo_of(content);
  write_file(temporary / "f", content.substr(0, 7 * piece_bytes + 5));
  CHECK(missing_in(metainfo, temporary / "f") == std::vector<uint32_t>{7, 8, 9});
  write_file(temporary / "f", content + "more");
  CHECK(missing_in(metainfo, temporary / "f").empty());
}

TEST_CASE("holes are zeros: right where zeros belong, missing elsewhere") {
  Prng prng(33);
  TemporaryDirectory temporary;
  constexpr uint32_t pieces = 32;
  std::string content = random_text(prng, pieces * piece_bytes + 100);
  for (const uint32_t piece : {4U, 5U, 20U}) {
    content.replace(piece * piece_bytes, piece_bytes, std::string(piece_bytes, '\0'));
  }
  content.replace(pieces * piece_bytes, 100, std::string(100, '\0'));
  const codec::Metainfo metainfo = metainfo_of(content);
  write_file(temporary / "f", "");
  REQUIRE(::truncate((temporary / "f").c_str(), static_cast<off_t>(content.size())) == 0);
  // Only the pieces 8 .. 15 have been written.
  write_file_at(temporary / "f", 8 * piece_bytes,
                std::string_view(content).substr(8 * piece_bytes, 8 * piece_bytes));
  std::vector<uint32_t> expected;
  for (uint32_t piece = 0; piece < pieces; ++piece) {
    if (piece != 4 && piece != 5 && piece != 20 && (piece < 8 || piece > 15)) {
      expected.push_back(piece);
    }
  }
  CHECK(missing_in(metainfo, temporary / "f") == expected);
}

TEST_CASE("pieces that span files are right only when all their files are") {
  Prng prng(34);
  TemporaryDirectory temporary;
  const std::string content = random_text(prng, 8 * piece_bytes);
  codec::Metainfo metainfo = metainfo_of(content);
  metainfo.is_single_file = false;
  metainfo.files.clear();
  make_directory(temporary / "dir");
  uint64_t offset = 0;
  // Padding is zeros that lie nowhere, and an empty file has no byte.
  struct Part {
    const char* path;
    uint64_t size_bytes;
  };
  for (const Part& part : {Part{"a", 1000},
                           {"dir/b", 2 * piece_bytes},
                           {"empty", 0},
                           {"c", 3 * piece_bytes - 1000},
                           {"d", 3 * piece_bytes}}) {
    metainfo.files.push_back({.path = part.path, .offset = offset, .size_bytes = part.size_bytes});
    write_file(temporary / part.path, std::string_view(content).substr(offset, part.size_bytes));
    offset += part.size_bytes;
  }
  CHECK(missing_in(metainfo, temporary.path()).empty());
  REQUIRE(::unlink((temporary / "dir/b").c_str()) == 0);
  CHECK(missing_in(metainfo, temporary.path()) == std::vector<uint32_t>{0, 1, 2});
  // A fifo, a directory and a dangling link are no content, and nothing waits for them.
  REQUIRE(::mkfifo((temporary / "dir/b").c_str(), 0644) == 0);
  CHECK(missing_in(metainfo, temporary.path()) == std::vector<uint32_t>{0, 1, 2});
}

TEST_CASE("padding counts as zeros and is looked for nowhere") {
  TemporaryDirectory temporary;
  const std::string content = "head" + std::string(piece_bytes - 4, '\0') + "tail";
  codec::Metainfo metainfo = metainfo_of(content);
  metainfo.is_single_file = false;
  metainfo.files = {
      {.path = "head", .offset = 0, .size_bytes = 4},
      {.path = ".pad/1", .offset = 4, .size_bytes = piece_bytes - 4, .is_padding = true},
      {.path = "tail", .offset = piece_bytes, .size_bytes = 4}};
  write_file(temporary / "head", "head");
  write_file(temporary / "tail", "tail");
  CHECK(missing_in(metainfo, temporary.path()).empty());
}

TEST_CASE("an empty file has no piece") {
  TemporaryDirectory temporary;
  write_file(temporary / "f", "");
  const codec::Metainfo metainfo = metainfo_of(std::string(2 * piece_bytes + 1, '\0'));
  CHECK(missing_in(metainfo, temporary / "f") == std::vector<uint32_t>{0, 1, 2});
}

TEST_CASE("what is not there, or of the wrong kind, is an Error") {
  TemporaryDirectory temporary;
  Notes notes;
  codec::Metainfo metainfo = metainfo_of("x");
  CHECK(verify_content(metainfo, temporary / "missing", {}, notes).error().code ==
        ErrorCode::not_found);
  CHECK_FALSE(verify_content(metainfo, temporary.path(), {}, notes));
  metainfo.is_single_file = false;
  write_file(temporary / "f", "x");
  CHECK_FALSE(verify_content(metainfo, temporary / "f", {}, notes));
}

TEST_CASE("verifying stops when told to") {
  TemporaryDirectory temporary;
  const std::string content(100 * piece_bytes, 'x');
  write_file(temporary / "f", content);
  CancelFlag cancel;
  cancel.set();
  Notes notes;
  const Result<BitSet> pieces =
      verify_content(metainfo_of(content), temporary / "f", {.cancel = &cancel}, notes);
  REQUIRE_FALSE(pieces);
  CHECK(pieces.error().code == ErrorCode::interrupted);
}

TEST_CASE("pieces of an odd size, and larger than a buffer, are told apart") {
  Prng prng(35);
  TemporaryDirectory temporary;
  for (const uint32_t bytes : {10'001U, 777'777U, 2U * 1024 * 1024}) {
    std::string content = random_text(prng, 9 * bytes + 1234);
    codec::Metainfo metainfo;
    metainfo.geometry = {.total_bytes = content.size(), .piece_bytes = bytes};
    metainfo.files = {{.path = "content", .offset = 0, .size_bytes = content.size()}};
    for (size_t at = 0; at < content.size(); at += bytes) {
      metainfo.piece_digests.push_back(
          hash::sha1(as_bytes_of(std::string_view(content).substr(at, bytes))));
    }
    content[5 * bytes] = static_cast<char>(content[5 * bytes] ^ 1);
    content[7 * bytes - 1] = static_cast<char>(content[7 * bytes - 1] ^ 1);
    write_file(temporary / "f", content);
    CHECK(missing_in(metainfo, temporary / "f") == std::vector<uint32_t>{5, 6});
    write_file(temporary / "f", content.substr(0, 8 * bytes + 5000));
    CHECK(missing_in(metainfo, temporary / "f") == std::vector<uint32_t>{5, 6, 8, 9});
  }
}

TEST_CASE("the digests of a file are those of OpenSSL") {
  Prng prng(36);
  TemporaryDirectory temporary;
  const std::string content = random_text(prng, 70 * piece_bytes + 5);
  write_file(temporary / "f", content);
  Notes notes;
  const codec::Metainfo metainfo = metainfo_of(content);
  const auto digests = hash_pieces(temporary / "f", metainfo.geometry, {}, notes);
  REQUIRE(digests);
  CHECK(*digests == metainfo.piece_digests);
  const Geometry longer{.total_bytes = content.size() + 1, .piece_bytes = piece_bytes};
  CHECK(hash_pieces(temporary / "f", longer, {}, notes).error().code == ErrorCode::conflict);
}
