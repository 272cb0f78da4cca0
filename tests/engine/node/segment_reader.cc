#include "engine/node/segment_reader.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using murder::node::SegmentReader;

namespace {

std::string take(SegmentReader& reader, size_t size) {
  std::string text;
  while (text.size() < size && !reader.empty()) {
    const auto part = reader.front().first(std::min(size - text.size(), reader.front().size()));
    text.append(part.begin(), part.end());
    reader.skip(part.size());
  }
  return text;
}

}  // namespace

TEST_CASE("bytes come in order over segments, and end where the receive ended") {
  std::string one = "abc";
  std::string two = "defgh";
  std::string three = "ijk";
  const std::array<iovec, 3> segments = {
      {{one.data(), one.size()}, {two.data(), two.size()}, {three.data(), three.size()}}};
  SegmentReader reader(segments, 9);
  CHECK(take(reader, 2) == "ab");
  CHECK(take(reader, 4) == "cdef");
  CHECK(reader.left_bytes() == 3);
  CHECK(take(reader, 100) == "ghi");
  CHECK(reader.empty());
}

TEST_CASE("what is copied out survives that its place is written to") {
  std::string one = "abcd";
  std::string two = "efgh";
  const std::array<iovec, 2> segments = {{{one.data(), one.size()}, {two.data(), two.size()}}};
  SegmentReader reader(segments, 8);
  CHECK(take(reader, 2) == "ab");
  std::vector<uint8_t> memory(16);
  reader.copy_out(memory);
  one = "XXXX";
  two = "YYYY";
  CHECK(reader.is_copy());
  CHECK(take(reader, 100) == "cdefgh");
}
