// Archives whose bytes are not what they were: every checksum is looked at, up to the last.
#include <doctest/doctest.h>

#include "engine/archive/make_compressor.h"
#include "engine/archive/pax_records.h"
#include "engine/archive/tar_block.h"
#include "engine/archive/unpack.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

std::string compressed(std::string_view text, ArchiveFormat format) {
  MemorySink sink;
  const auto compressor = make_compressor({.format = format}, sink);
  REQUIRE(compressor);
  REQUIRE((*compressor)->write(as_bytes_of(text)));
  REQUIRE((*compressor)->finish());
  return sink.content;
}

// The text of the error, "" when it was taken: as unpacked, and as check_archive() sees it.
std::string refusal_of(const std::string& archive) {
  TemporaryDirectory temporary;
  MemorySource source(archive);
  Notes notes;
  const Result<Unpacked> unpacked = unpack(
      source, {.archive_name = "some.tar", .directory = temporary.path(), .tag = "v1"}, notes);
  CHECK(names_in(temporary.path()).size() == (unpacked ? 1 : 0));
  MemorySource again(archive);
  CHECK(check_archive(again, "some.tar", nullptr, notes).has_value() == unpacked.has_value());
  return unpacked ? "" : unpacked.error().text;
}

void check_damaged(const std::string& archive, std::string_view why) {
  const std::string text = refusal_of(archive);
  CAPTURE(text);
  CAPTURE(why);
  CHECK(text.find("some.tar is damaged") == 0);
  CHECK(text.find(why) != std::string::npos);
}

std::string flipped(std::string text, size_t at) {
  text[at] = static_cast<char>(text[at] ^ 0x20);
  return text;
}

std::string small_tar() {
  Prng prng(3);
  return raw_tar({{.path = "a", .content = random_text(prng, 3000)}, {.path = "b"}});
}

// A tar whose first entry has these pax records.
std::string with_records(const std::string& records) {
  RawEntry header{.path = "pax_header", .content = records, .tar_type = 'x'};
  std::string tar = raw_tar({header});
  return tar.substr(0, tar.size() - tar_end_bytes) + raw_tar({{.path = "plain", .content = "x"}});
}

}  // namespace

TEST_CASE("one wrong bit of a compressed archive is found, wherever it is") {
  for (const ArchiveFormat format : {ArchiveFormat::tar_gzip, ArchiveFormat::tar_zstd}) {
    const std::string whole = compressed(small_tar(), format);
    REQUIRE(refusal_of(whole).empty());
    // What a header says of its maker, time and name is covered by no checksum.
    const size_t begin = format == ArchiveFormat::tar_gzip ? 10 : 5;
    for (size_t at = begin; at < whole.size(); at += 1 + at % 7) {
      CAPTURE(suffix_of(format));
      CAPTURE(at);
      CHECK_FALSE(refusal_of(flipped(whole, at)).empty());
    }
    for (size_t back = 1; back <= 8; ++back) {
      CAPTURE(back);
      CHECK_FALSE(refusal_of(flipped(whole, whole.size() - back)).empty());
    }
  }
}

TEST_CASE("a compressed stream that is cut is refused, also when nothing of the tar is missing") {
  const std::string tar = small_tar();
  for (const ArchiveFormat format : {ArchiveFormat::tar_gzip, ArchiveFormat::tar_zstd}) {
    CAPTURE(suffix_of(format));
    const std::string whole = compressed(tar, format);
    for (size_t cut = 1; cut <= 8; ++cut) {
      check_damaged(whole.substr(0, whole.size() - cut), "its end is missing");
    }
    // Behind the tar's own end as well: zeros there are a member or frame with a checksum.
    const std::string tail = compressed(std::string(5000, '\0'), format);
    CHECK(refusal_of(whole + tail).empty());
    check_damaged(whole + tail.substr(0, tail.size() - 2), "its end is missing");
    CHECK_FALSE(refusal_of(whole + flipped(tail, tail.size() - 2)).empty());
  }
}

TEST_CASE("members and frames may follow one another, cut anywhere, and be empty") {
  const std::string tar = small_tar();
  for (const ArchiveFormat format : {ArchiveFormat::tar_gzip, ArchiveFormat::tar_zstd}) {
    CAPTURE(suffix_of(format));
    const std::string empty = compressed("", format);
    for (const size_t cut : {size_t{0}, size_t{100}, size_t{512}, size_t{3100}, tar.size()}) {
      const std::string parts = empty + compressed(tar.substr(0, cut), format) + empty +
                                compressed(tar.substr(cut), format) + empty;
      CHECK(refusal_of(parts).empty());
    }
  }
  const std::string skipped("\x53\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
  const std::string frame = compressed(tar, ArchiveFormat::tar_zstd);
  CHECK(refusal_of(skipped + frame + skipped).empty());
  check_damaged(skipped + frame + skipped.substr(0, 9), "its end is missing");
}

TEST_CASE("behind gzip only zeros may come, behind zstd nothing") {
  const std::string gzip = compressed(small_tar(), ArchiveFormat::tar_gzip);
  CHECK(refusal_of(gzip + std::string(1, '\0')).empty());
  CHECK(refusal_of(gzip + std::string(600'000, '\0')).empty());
  check_damaged(gzip + "x", "not gzip");
  check_damaged(gzip + std::string(600'000, '\0') + "x", "not gzip");
  check_damaged(gzip + "\x1f", "its end is missing");
  CHECK_FALSE(refusal_of(gzip + "\x1f\x8b\x08 no gzip at all").empty());
  const std::string zstd = compressed(small_tar(), ArchiveFormat::tar_zstd);
  CHECK_FALSE(refusal_of(zstd + "x").empty());
  CHECK_FALSE(refusal_of(zstd + std::string(1, '\0')).empty());
  CHECK_FALSE(refusal_of(zstd + "some more bytes").empty());
}

TEST_CASE("a tar ends at a block of zeros or with the stream, alike in all formats") {
  const std::string tar = small_tar();
  const std::string entries = tar.substr(0, tar.size() - tar_end_bytes);
  const std::string zeros(tar_block_bytes, '\0');
  for (const ArchiveFormat format :
       {ArchiveFormat::tar, ArchiveFormat::tar_gzip, ArchiveFormat::tar_zstd}) {
    CAPTURE(suffix_of(format));
    for (const std::string& end :
         {std::string(), zeros, zeros + std::string(5000, 'x'), zeros + zeros + "\n",
          zeros + zeros + std::string(300'000, '\xff'), std::string(100, '\0')}) {
      CAPTURE(end.size());
      CHECK(refusal_of(compressed(entries + end, format)).empty());
    }
    check_damaged(compressed(entries + std::string(512, 'x'), format), "checksum of a header");
    check_damaged(compressed(entries.substr(0, 700), format), "its end is missing");
    check_damaged(compressed(entries.substr(0, entries.size() - 512 - 1), format),
                  "its end is missing");
    check_damaged(compressed(entries.substr(0, entries.size() - 1), format), "its end is missing");
    check_damaged(compressed(flipped(entries, 3584), format), "checksum of a header");
  }
}

TEST_CASE("a malformed pax header is refused, not passed over") {
  std::string good;
  append_pax_record(good, "path", "right");
  append_pax_record(good, "mtime", "1000000000.25");
  append_pax_record(good, "comment", "anything");
  REQUIRE(refusal_of(with_records(good)).empty());
  REQUIRE(refusal_of(with_records(good + std::string(20, '\0'))).empty());
  for (const std::string& bad :
       {std::string("path=right\n"), std::string("xx path=right\n"), std::string("14path=right\n"),
        std::string("15 path=right\n"), std::string("13 path=right\n"),
        std::string("99999999999999999999 path=right\n"), std::string("0 path=right\n"),
        std::string("-1 path=right\n"), std::string("14 path=rightx"),
        std::string("13 path:right\n"), std::string("9 =right\n"), std::string("8 path=\n"),
        std::string("15 path=ri\0ht\n", 15), std::string("12 size=abc\n"),
        std::string("11 size=-1\n"), std::string("30 size=99999999999999999999\n"),
        std::string("13 mtime=now\n"), std::string("14 mtime=1.2x\n"), std::string("9 mtime=\n"),
        std::string("12 linkpath=\n"), std::string("13 atime=abc\n"), std::string("9 uid=-1\n"),
        std::string("18 uid=4294967296\n"), std::string("15 pa\0th=right\n", 15),
        std::string("  \n"), std::string("20 GNU.sparse.size=\n"),
        std::string(
            "26 GNU.sparse.numblocks=0\n24 GNU.sparse.offset=0\n26 GNU.sparse.numbytes=1\n"),
        // Behind a NUL nothing may hide.
        std::string(1, '\0') + "14 path=right\n", std::string("\n")}) {
    CAPTURE(bad);
    check_damaged(with_records(bad), "its pax header is malformed");
    check_damaged(with_records(good + bad), "its pax header is malformed");
  }
}

TEST_CASE("names that are not the locale's, or not UTF-8, are no damage") {
  for (const std::string& name : {std::string("gr\xc3\xb6\xc3\x9f"), std::string("\xff\xfe")}) {
    std::string records;
    append_pax_record(records, "path", name);
    CHECK(refusal_of(with_records(records)).empty());
    append_pax_record(records, "hdrcharset", "BINARY");
    CHECK(refusal_of(with_records(records)).empty());
  }
}

TEST_CASE("attributes that would fill the memory are refused") {
  // 16 MiB of them for each directory.
  std::string records;
  for (int index = 0; index < 250; ++index) {
    append_pax_record(records, pax_attribute_key("user.a" + std::to_string(index)),
                      std::string(65536, 'x'));
  }
  std::string tar;
  for (int index = 0; index < 6; ++index) {
    const std::string header = raw_tar({{.path = "pax", .content = records, .tar_type = 'x'}});
    const std::string entry =
        raw_tar({{.path = "d" + std::to_string(index), .type = EntryType::directory}});
    tar += header.substr(0, header.size() - tar_end_bytes) +
           entry.substr(0, entry.size() - tar_end_bytes);
  }
  TemporaryDirectory temporary;
  MemorySource source(tar);
  Notes notes;
  const Result<Unpacked> unpacked = unpack(source,
                                           {.archive_name = "some.tar",
                                            .directory = temporary.path(),
                                            .tag = "v1",
                                            .keep_attributes = true},
                                           notes);
  REQUIRE_FALSE(unpacked);
  CHECK(unpacked.error().code == ErrorCode::limit);
  // And they count among what is unpacked.
  MemorySource again(tar);
  CHECK_FALSE(unpack(again,
                     {.archive_name = "some.tar",
                      .directory = temporary.path(),
                      .tag = "v1",
                      .unpacked_bytes_max = 20'000'000},
                     notes));
}

TEST_CASE("what follows a tar's end can be stopped") {
  const std::string whole =
      compressed(small_tar() + std::string(20'000'000, '\0'), ArchiveFormat::tar_zstd);
  class Stopper : public Observer {
   public:
    void progress(const ByteProgress& progress) override {
      if (progress.path.empty() && ++calls_ > 10) {
        cancel.set();
      }
    }
    CancelFlag cancel;

   private:
    int calls_ = 0;
  } stopper;
  TemporaryDirectory temporary;
  MemorySource source(whole);
  const Result<Unpacked> unpacked = unpack(source,
                                           {.archive_name = "some.tar",
                                            .directory = temporary.path(),
                                            .tag = "v1",
                                            .cancel = &stopper.cancel},
                                           stopper);
  REQUIRE_FALSE(unpacked);
  CHECK(unpacked.error().code == ErrorCode::interrupted);
}
