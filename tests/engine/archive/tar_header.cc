#include "engine/archive/tar_header.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/archive/pax_records.h"

using namespace murder::archive;

namespace {

TreeEntry file_entry(const std::string& path, uint64_t size_bytes = 0) {
  TreeEntry entry;
  entry.path = path;
  entry.mode = 0644;
  entry.size_bytes = size_bytes;
  return entry;
}

}  // namespace

TEST_CASE("a plain entry is one ustar block with octal fields and a right checksum") {
  TreeEntry entry = file_entry("dir/file", 1234);
  entry.mtime.seconds = 1000000000;
  const std::string header = tar_header(entry);
  REQUIRE(header.size() == tar_block_bytes);
  CHECK(header.substr(0, 9) == std::string("dir/file\0", 9));
  CHECK(header.substr(100, 8) == std::string("0000644\0", 8));
  CHECK(header.substr(124, 12) == std::string("00000002322\0", 12));
  CHECK(header.substr(136, 12) == std::string("07346545000\0", 12));
  CHECK(header[156] == '0');
  CHECK(header.substr(257, 8) == std::string("ustar\00000", 8));
  unsigned sum = 0;
  for (size_t index = 0; index < header.size(); ++index) {
    sum += index >= 148 && index < 156 ? ' ' : static_cast<unsigned char>(header[index]);
  }
  CHECK(std::stoul(header.substr(148, 6), nullptr, 8) == sum);
}

TEST_CASE(
    "a name of up to 100 bytes fits, a longer one is cut at a slash, else goes to a pax record") {
  CHECK(tar_header(file_entry(std::string(100, 'n'))).size() == tar_block_bytes);
  const std::string cut =
      tar_header(file_entry(std::string(150, 'p') + "/" + std::string(99, 'n')));
  REQUIRE(cut.size() == tar_block_bytes);
  CHECK(cut.substr(345, 150) == std::string(150, 'p'));
  CHECK(cut.substr(0, 99) == std::string(99, 'n'));
  const std::string name(101, 'n');
  const std::string records = tar_header(file_entry(name));
  REQUIRE(records.size() == 3 * tar_block_bytes);
  CHECK(records[156] == 'x');
  CHECK(records.find("111 path=" + name + "\n") == tar_block_bytes);
}

TEST_CASE("only records that are not UTF-8 say so") {
  CHECK(tar_header(file_entry(std::string(60, '\xc3') + std::string(60, 'x')))
            .find("hdrcharset=BINARY") != std::string::npos);
  std::string name;
  for (int count = 0; count < 60; ++count) {
    name += "é";
  }
  CHECK(tar_header(file_entry(name)).find("hdrcharset") == std::string::npos);
}

TEST_CASE("sizes from 8 GiB and times before 1970 go to pax records") {
  CHECK(tar_header(file_entry("f", 077777777777U)).size() == tar_block_bytes);
  CHECK(tar_header(file_entry("f", 077777777777U + 1)).find("size=8589934592\n") !=
        std::string::npos);
  TreeEntry old = file_entry("f");
  old.mtime.seconds = -5;
  CHECK(tar_header(old).find("mtime=-5\n") != std::string::npos);
}

TEST_CASE("parts of a second and extended attributes go to pax records") {
  TreeEntry entry = file_entry("f");
  entry.mtime = {.seconds = 5, .nanoseconds = 120'000'000};
  CHECK(tar_header(entry).find("14 mtime=5.12\n") == tar_block_bytes);
  entry.mtime = {.seconds = -1, .nanoseconds = 1};
  CHECK(tar_header(entry).find(" mtime=-0.999999999\n") != std::string::npos);
  entry.attributes = {{.name = "user.a=b", .value = "v\xff"}};
  CHECK(tar_header(entry).find(" SCHILY.xattr.user.a%3Db=v\xff\n") != std::string::npos);
}

TEST_CASE("times of pax records are read as they are written") {
  for (const FileTime time :
       {FileTime{0, 0}, FileTime{1, 1}, FileTime{-1, 0}, FileTime{-1, 1}, FileTime{-1, 999'999'999},
        FileTime{-7, 500'000'000}, FileTime{4'000'000'000, 100'000'000}}) {
    CAPTURE(pax_time_text(time));
    CHECK(parse_pax_time(pax_time_text(time)) == time);
  }
  CHECK(parse_pax_time("3.1234567891") == FileTime{3, 123'456'789});
  CHECK(parse_pax_time("3.") == FileTime{3, 0});
  for (const char* text : {"", ".", "-", "x", "1 ", "1.-2", "+1", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_pax_time(text));
  }
}

TEST_CASE("a sparse file has its map in front of its data") {
  const std::vector<Extent> extents = {{.offset = 4096, .size_bytes = 100}};
  const std::string header = tar_sparse_header(file_entry("dir/s", 1000000), extents);
  REQUIRE(header.size() == 4 * tar_block_bytes);
  CHECK(header.find("GNU.sparse.name=dir/s\n") != std::string::npos);
  CHECK(header.find("GNU.sparse.realsize=1000000\n") != std::string::npos);
  CHECK(header.substr(3 * tar_block_bytes, 23) ==
        "2\n4096\n100\n1000000\n0\n" + std::string(2, '\0'));
}
