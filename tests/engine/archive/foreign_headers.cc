// Headers as other programs write them: what GNU tar makes of each is what is made here, and what
// no tree can have is refused alike by whoever unpacks and by whoever only checks.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstring>

#include "engine/archive/pax_records.h"
#include "engine/archive/tar_block.h"
#include "engine/archive/tar_fields.h"
#include "engine/archive/unpack.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

struct Outcome {
  std::string refusal;  // "" when it was taken
  std::vector<std::string> names;
  std::vector<std::string> lines;  // listing()
};

Outcome outcome_of(const std::string& tar) {
  TemporaryDirectory temporary;
  MemorySource source(tar);
  Notes notes;
  const Result<Unpacked> unpacked = unpack(
      source, {.archive_name = "some.tar", .directory = temporary.path(), .tag = "v1"}, notes);
  MemorySource again(tar);
  const Status checked = check_archive(again, "some.tar", nullptr, notes);
  Outcome outcome{.refusal = unpacked ? "" : unpacked.error().text};
  CHECK((checked ? "" : checked.error().text) == outcome.refusal);
  if (unpacked) {
    outcome.names = names_in(unpacked->path);
    outcome.lines = listing(unpacked->path);
    // The directory itself is not in these archives: it is as old as the run.
    std::erase_if(outcome.lines, [](const std::string& line) { return line.starts_with(' '); });
  }
  return outcome;
}

// The entries of both, one behind the other.
std::string joined(const std::string& left, const std::string& right) {
  return left.substr(0, left.size() - tar_end_bytes) + right;
}

// With other bytes in the first header, whose checksum is right again.
std::string patched(std::string tar, size_t at, std::string_view bytes) {
  std::memcpy(tar.data() + at, bytes.data(), bytes.size());
  std::memset(tar.data() + 148, ' ', 8);
  uint32_t sum = 0;
  for (size_t index = 0; index < tar_block_bytes; ++index) {
    sum += static_cast<unsigned char>(tar[index]);
  }
  for (size_t digit = 6; digit > 0; --digit, sum /= 8) {
    tar[148 + digit - 1] = static_cast<char>('0' + sum % 8);
  }
  tar[154] = '\0';
  return tar;
}

std::string header_of(char type, const std::string& content, const std::string& path = "header") {
  return raw_tar({{.path = path, .content = content, .tar_type = type}});
}

const std::string plain = raw_tar({{.path = "plain", .content = "content"}});

}  // namespace

TEST_CASE("a number may have blanks or one NUL in front, and is not one when it is blank") {
  CHECK(tar_number(std::string_view("\000000644 ", 8)) == 0644);
  CHECK(tar_number("\t000644 ") == 0644);
  CHECK(tar_number(" \n 644 ") == 0644);
  CHECK(tar_number(std::string_view("\0\0\0\0\0\0\0\0", 8)) == 0);
  CHECK(tar_number("644") == 0644);
  for (const std::string_view bad : {"        ", "", "\t", "x644", "644x", "-644"}) {
    CAPTURE(bad);
    CHECK_FALSE(tar_number(bad));
  }
  CHECK_FALSE(tar_number(std::string_view("\0       ", 8)));
  // A file of mode 0 would be a wrong one.
  constexpr size_t mode_at = offsetof(UstarBlock, mode);
  constexpr size_t mtime_at = offsetof(UstarBlock, mtime);
  CHECK(outcome_of(patched(plain, mode_at, {"\000000640 ", 8})).lines ==
        outcome_of(patched(plain, mode_at, {"0000640\0", 8})).lines);
  CHECK(outcome_of(patched(plain, mtime_at, {"\00000000017470", 12})).lines ==
        outcome_of(patched(plain, mtime_at, {"00000017470 ", 12})).lines);
  CHECK(outcome_of(patched(plain, mode_at, "        ")).refusal != "");
  CHECK(outcome_of(patched(plain, mtime_at, "            ")).refusal != "");
}

TEST_CASE("a time before 1970 with digits below a nanosecond is the nanosecond before it") {
  CHECK(parse_pax_time("-1.0000000001") == FileTime{-2, 999'999'999});
  CHECK(parse_pax_time("-1.9999999991") == FileTime{-2, 0});
  CHECK(parse_pax_time("-0.0000000000") == FileTime{0, 0});
  CHECK(parse_pax_time("-0.5000000000") == FileTime{-1, 500'000'000});
}

TEST_CASE("blanks around the length of a pax record do not hide it") {
  for (const std::string_view record :
       {"14 path=right\n", "15  path=right\n", " 15 path=right\n", "\t16 \tpath=right\n"}) {
    CAPTURE(record);
    const Outcome outcome = outcome_of(joined(header_of('x', std::string(record)), plain));
    CHECK(outcome.names == std::vector<std::string>{"right"});
  }
}

TEST_CASE("of two pax headers of a kind the last counts alone") {
  const std::string path = header_of('x', "14 path=right\n");
  const std::string comment = header_of('x', "13 comment=x\n");
  CHECK(outcome_of(joined(path, joined(comment, plain))).names ==
        std::vector<std::string>{"plain"});
  CHECK(outcome_of(joined(comment, joined(path, plain))).names ==
        std::vector<std::string>{"right"});
  const std::string global = header_of('g', "14 mtime=1000\n");
  const std::string other = header_of('g', "13 comment=x\n");
  CHECK(outcome_of(joined(global, joined(other, plain))).lines == outcome_of(plain).lines);
  CHECK(outcome_of(joined(other, joined(global, plain))).lines != outcome_of(plain).lines);
}

TEST_CASE("a label of a volume takes its content and what was said in front of it along") {
  const std::string name = header_of('L', std::string("long\0", 5));
  const std::string label = header_of('V', std::string(700, 'x'));
  CHECK(outcome_of(joined(label, plain)).names == std::vector<std::string>{"plain"});
  CHECK(outcome_of(joined(name, joined(label, plain))).names == std::vector<std::string>{"plain"});
  CHECK(outcome_of(joined(label, joined(name, plain))).names == std::vector<std::string>{"long"});
}

TEST_CASE("keys of sparse files that nobody knows make no file sparse") {
  std::string records;
  append_pax_record(records, "GNU.sparse.colour", "1");
  CHECK(outcome_of(joined(header_of('x', records), plain)).lines == outcome_of(plain).lines);
}

TEST_CASE("a sparse map of all files, or of what is no file, is damage") {
  std::string records;
  append_pax_record(records, "GNU.sparse.size", "4096");
  append_pax_record(records, "GNU.sparse.numblocks", "1");
  append_pax_record(records, "GNU.sparse.map", "0,7");
  REQUIRE(outcome_of(joined(header_of('x', records), plain)).refusal == "");
  CHECK(outcome_of(joined(header_of('g', records), plain)).refusal.find("is damaged") !=
        std::string::npos);
  for (const EntryType type : {EntryType::directory, EntryType::symlink}) {
    const std::string entry = raw_tar({{.path = "a", .type = type, .link_target = "plain"}});
    CHECK(outcome_of(joined(header_of('x', records), joined(entry, plain)))
              .refusal.find("is sparse, but not a file") != std::string::npos);
  }
}

TEST_CASE("what no tree can have is refused by whoever only checks as well") {
  const std::string long_part(256, 'n');
  for (const std::vector<RawEntry>& entries : std::vector<std::vector<RawEntry>>{
           {{.path = "."}},
           {{.path = ".", .type = EntryType::symlink, .link_target = "plain"}},
           {{.path = ".", .type = EntryType::hard_link, .link_target = "plain"}},
           {{.path = "l", .type = EntryType::symlink}},
           {{.path = "l", .type = EntryType::symlink, .link_target = std::string(4096, 't')}},
           {{.path = "l", .type = EntryType::hard_link, .link_target = "/etc/passwd"}},
           {{.path = "l", .type = EntryType::hard_link, .link_target = "../plain"}},
           {{.path = "l", .type = EntryType::hard_link, .link_target = "."}},
           {{.path = long_part}},
           {{.path = "d/" + long_part + "/x"}},
           {{.path = "device", .tar_type = '3'}},
           {{.path = "fifo", .tar_type = '6'}}}) {
    CAPTURE(entries.front().path);
    CHECK(outcome_of(joined(plain, raw_tar(entries))).refusal.find("some.tar: entry ") == 0);
  }
  const std::string longest(255, 'n');
  CHECK(outcome_of(joined(plain, raw_tar({{.path = "d/" + longest}}))).refusal == "");
  CHECK(outcome_of(joined(plain, raw_tar({{.path = "l",
                                           .type = EntryType::symlink,
                                           .link_target = std::string(4095, 't')}})))
            .refusal == "");
}
