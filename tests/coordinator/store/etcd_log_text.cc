#include "coordinator/store/etcd_log_text.h"

#include <doctest/doctest.h>

#include "coordinator/store/bounds.h"
#include "places.h"

using namespace murder;
using namespace murder::store;

TEST_CASE("keys of the log are in the order of their numbers") {
  const EtcdKeys keys{.prefix = "murder/"};
  CHECK(keys.log(1) == "murder/log/0000000000000001");
  CHECK(keys.log(255) < keys.log(256));
  CHECK(keys.log(UINT64_MAX) < keys.log_end());
  CHECK(keys.blob_part("ab", 16) == "murder/blob/ab/000010");
}

TEST_CASE("a head is read as it was written") {
  const EtcdHead head{.id = "0a",
                      .last = 77,
                      .end_bytes = 8888,
                      .covered = 70,
                      .snapshot = {.id = "b1", .part_count = 2, .bytes = 300'000}};
  const Result<EtcdHead> read = parse_head(text_of(head));
  REQUIRE(read);
  CHECK(read->id == "0a");
  CHECK(read->last == 77);
  CHECK(read->end_bytes == 8888);
  CHECK(read->covered == 70);
  CHECK(read->snapshot.id == "b1");
  CHECK(read->snapshot.part_count == 2);
  CHECK(read->snapshot.bytes == 300'000);
}

TEST_CASE("a head that is newer is told from one that is damaged") {
  CHECK(parse_head(R"({"format":2,"more":"things"})").error().code == ErrorCode::unsupported);
  const std::string before = R"({"format":1,"end_bytes":1,)";
  const std::string blob = R"("snapshot":{"blob":"","parts":0,"bytes":0}})";
  CHECK(parse_head(before + R"("id":"a","last":1,"covered":1,)" + blob));
  const std::string nearly = before + R"("id":"a","last":1,"covered":0,"snapshot":)";
  const Lines all_bad = {"",
                         "{}",
                         "[1]",
                         R"({"format":1})",
                         before + R"("id":"a","last":1,"covered":2,)" + blob,
                         before + R"("id":"","last":1,"covered":0,)" + blob,
                         nearly + R"({"blob":"a/","parts":1,"bytes":9}})",
                         nearly + R"({"blob":"","parts":9,"bytes":1}})"};
  for (const std::string& bad : all_bad) {
    INFO(bad);
    CHECK(parse_head(bad).error().code == ErrorCode::invalid_input);
  }
  CHECK_FALSE(parse_blob(R"({"blob":"","parts":0,"bytes":0})"));
}

TEST_CASE("lines become values of bounded size, in their order") {
  Lines lines = numbered(1, 3000);
  lines.resize(3005, std::string(64 * 1024, 'x'));
  const std::vector<EtcdChunk> chunks = chunks_of(lines, 11, 500);
  uint64_t next = 11;
  uint64_t bytes = 500;
  Lines again;
  for (const EtcdChunk& chunk : chunks) {
    CHECK(chunk.first == next);
    next = chunk.last() + 1;
    CHECK(chunk.lines.size() <= limits::etcd_value_lines_max);
    CHECK(text_of(chunk).size() < limits::etcd_value_bytes_max + 2000);
    const Result<EtcdChunk> read =
        parse_chunk(EtcdKeys{.prefix = ""}.log(chunk.first).substr(4), text_of(chunk));
    REQUIRE(read);
    CHECK(read->first == chunk.first);
    CHECK(read->end_bytes == chunk.end_bytes);
    for (const std::string& line : read->lines) {
      bytes += line.size();
      again.push_back(line);
    }
    CHECK(read->end_bytes == bytes);
  }
  CHECK(again == lines);
  CHECK(chunks.size() < 8);
}

TEST_CASE("a value that is damaged is refused") {
  CHECK(parse_chunk("0000000000000001", "5\nline\n"));
  for (const auto& item :
       std::vector<std::pair<std::string, std::string>>{{"0000000000000000", "5\nline\n"},
                                                        {"x", "5\nline\n"},
                                                        {"", "5\nline\n"},
                                                        {"0000000000000001", ""},
                                                        {"0000000000000001", "5"},
                                                        {"0000000000000001", "5\n"},
                                                        {"0000000000000001", "five\nline\n"},
                                                        {"0000000000000001", "-5\nline\n"}}) {
    INFO(item.first, " ", item.second);
    CHECK_FALSE(parse_chunk(item.first, item.second));
  }
}
