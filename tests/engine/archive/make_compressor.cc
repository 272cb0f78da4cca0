#include "engine/archive/make_compressor.h"

#include <doctest/doctest.h>

#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

std::string compressed(const std::string& text, const CompressionOptions& options, size_t step) {
  MemorySink sink;
  const auto compressor = make_compressor(options, sink);
  REQUIRE(compressor);
  for (size_t at = 0; at < text.size(); at += step) {
    REQUIRE((*compressor)->write(as_bytes_of(std::string_view(text).substr(at, step))));
  }
  REQUIRE((*compressor)->finish());
  return sink.content;
}

std::string compressible(size_t size) {
  Prng prng(3);
  std::string text;
  while (text.size() < size) {
    text += random_text(prng, 20) + std::string(prng.below(80), 'x');
  }
  return text;
}

}  // namespace

TEST_CASE("the output depends neither on the number of threads nor on how the input is cut") {
  const std::string text = compressible(24 * 1024 * 1024);
  for (const ArchiveFormat format : {ArchiveFormat::tar_zstd, ArchiveFormat::tar_gzip}) {
    CAPTURE(suffix_of(format));
    const std::string one = compressed(text, {.format = format, .level = 1, .threads = 1}, 1 << 20);
    CHECK(one.size() < text.size());
    CHECK(one == compressed(text, {.format = format, .level = 1, .threads = 2}, 1 << 20));
    CHECK(one == compressed(text, {.format = format, .level = 1, .threads = 5}, 77777));
  }
}

TEST_CASE("a plain tar is passed on as it is, and nothing makes an empty stream") {
  CHECK(compressed("abc", {.format = ArchiveFormat::tar}, 2) == "abc");
  CHECK(compressed("", {.format = ArchiveFormat::tar_zstd}, 1).size() > 4);
  CHECK(compressed("", {.format = ArchiveFormat::tar_gzip}, 1).substr(0, 2) == "\x1f\x8b");
}

TEST_CASE("too little memory is said before anything is packed, and a small tree needs little") {
  constexpr uint64_t mib = 1024 * 1024;
  const archive::CompressionOptions little{.memory_bytes = 32 * mib};
  CHECK(archive::check_memory(little, 4 * mib));
  const Status refused = archive::check_memory(little, 150 * mib);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::limit);
  CHECK(refused.error().text.find("--format tar") != std::string::npos);
  CHECK(archive::check_memory({.format = archive::ArchiveFormat::tar, .memory_bytes = 32 * mib},
                              150 * mib));
  CHECK(archive::check_memory({.memory_bytes = 64 * mib}, 150 * mib));
  CHECK(archive::check_memory({}, 150 * mib));
}

TEST_CASE("levels out of range are refused") {
  CHECK(validate_level(ArchiveFormat::tar_zstd, 19));
  CHECK(validate_level(ArchiveFormat::tar_gzip, 9));
  CHECK_FALSE(validate_level(ArchiveFormat::tar_zstd, 20));
  CHECK_FALSE(validate_level(ArchiveFormat::tar_gzip, 10));
  CHECK_FALSE(validate_level(ArchiveFormat::tar_gzip, -1));
  CHECK_FALSE(validate_level(ArchiveFormat::tar_zstd, 0));
  CHECK_FALSE(validate_level(ArchiveFormat::tar_gzip, 0));
  CHECK_FALSE(validate_level(ArchiveFormat::tar, 0));
  CHECK_FALSE(validate_level(ArchiveFormat::tar, 1));
  CHECK(validate_level(ArchiveFormat::tar, std::nullopt));
  CHECK(validate_level(ArchiveFormat::tar_zstd, std::nullopt));
}
