#include "engine/tls/record_cipher.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace murder;
using namespace murder::tls;
using Direction = RecordCipher::Direction;

namespace {

RecordCipher cipher_of(Direction direction, Suite suite = Suite::aes_128_gcm) {
  auto cipher = RecordCipher::create(suite, direction, TrafficSecret{});
  REQUIRE(cipher);
  return std::move(*cipher);
}

std::vector<uint8_t> seal(RecordCipher& cipher, std::string text,
                          ContentType type = ContentType::application_data) {
  std::vector<uint8_t> record(text.size() + limits::tls_overhead_bytes);
  const iovec segment{text.data(), text.size()};
  Segments plain({&segment, 1});
  REQUIRE(cipher.seal(type, plain, text.size(), record) == record.size());
  return record;
}

// What is in the record; "?" when it does not open.
std::string open(RecordCipher& cipher, const std::vector<uint8_t>& record) {
  std::string text(RecordCipher::room_for(record), '\0');
  const iovec segment{text.data(), text.size()};
  const auto opened = cipher.open(record, Segments({&segment, 1}));
  return opened ? text.substr(0, opened->size_bytes) : "?";
}

}  // namespace

TEST_CASE("what one side seals the other opens, by either suite and in this order") {
  for (const Suite suite : {Suite::aes_128_gcm, Suite::chacha20_poly1305}) {
    RecordCipher sealer = cipher_of(Direction::seals, suite);
    RecordCipher opener = cipher_of(Direction::opens, suite);
    for (const size_t size : {size_t{0}, size_t{1}, size_t{13}, size_t{16384}}) {
      const std::string text(size, 'x');
      CHECK(open(opener, seal(sealer, text)) == text);
    }
    CHECK(sealer.record_count() == 4);
    CHECK(sealer.sealed_bytes() == 16398);
  }
}

TEST_CASE("data may lie in many places on both sides") {
  RecordCipher sealer = cipher_of(Direction::seals);
  RecordCipher opener = cipher_of(Direction::opens);
  std::string head = "head";
  std::string body(5000, 'b');
  const iovec from[] = {{head.data(), 4}, {body.data(), 0}, {body.data(), 5000}};
  std::vector<uint8_t> record(5004 + limits::tls_overhead_bytes);
  Segments plain(from);
  REQUIRE(sealer.seal(ContentType::application_data, plain, 5004, record) == record.size());
  CHECK(plain.front().empty());
  std::string one(3, 0);
  std::string two(4096, 0);
  std::string three(2000, '.');
  const iovec into[] = {{one.data(), 3}, {two.data(), 4096}, {three.data(), 2000}};
  const auto opened = opener.open(record, Segments(into));
  REQUIRE(opened);
  CHECK(opened->size_bytes == 5004);
  CHECK(one + two + three == "head" + body + std::string(2000 - 905, '.'));
}

TEST_CASE("a record may be opened where it lies") {
  RecordCipher sealer = cipher_of(Direction::seals);
  RecordCipher opener = cipher_of(Direction::opens);
  std::vector<uint8_t> record = seal(sealer, std::string(777, 'y'));
  const iovec own{record.data() + limits::tls_record_head_bytes, RecordCipher::room_for(record)};
  const auto opened = opener.open(record, Segments({&own, 1}));
  REQUIRE(opened);
  CHECK(std::string(record.begin() + 5, record.begin() + 5 + 777) == std::string(777, 'y'));
}

TEST_CASE("a record with any bit flipped does not open") {
  const std::string text = "twelve bytes";
  RecordCipher sealer = cipher_of(Direction::seals);
  const std::vector<uint8_t> record = seal(sealer, text);
  for (size_t bit = 0; bit < 8 * record.size(); ++bit) {
    std::vector<uint8_t> flipped = record;
    flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    RecordCipher opener = cipher_of(Direction::opens);
    CHECK(open(opener, flipped) == "?");
  }
}

TEST_CASE("a record that is sent again, left out or in another order does not open") {
  RecordCipher sealer = cipher_of(Direction::seals);
  const auto first = seal(sealer, "first");
  const auto second = seal(sealer, "second");
  RecordCipher replayed = cipher_of(Direction::opens);
  CHECK(open(replayed, first) == "first");
  CHECK(open(replayed, first) == "?");
  RecordCipher skipping = cipher_of(Direction::opens);
  CHECK(open(skipping, second) == "?");
}

TEST_CASE("a record that is cut does not open") {
  RecordCipher sealer = cipher_of(Direction::seals);
  const auto record = seal(sealer, "some text");
  for (size_t size = limits::tls_overhead_bytes; size < record.size(); ++size) {
    RecordCipher opener = cipher_of(Direction::opens);
    CHECK(open(opener, {record.begin(), record.begin() + static_cast<std::ptrdiff_t>(size)}) ==
          "?");
  }
}

TEST_CASE("both take the next key together, and neither opens by the other's") {
  RecordCipher sealer = cipher_of(Direction::seals);
  RecordCipher opener = cipher_of(Direction::opens);
  CHECK(open(opener, seal(sealer, "before")) == "before");
  REQUIRE(sealer.take_next_key());
  CHECK(sealer.record_count() == 0);
  RecordCipher late = cipher_of(Direction::opens);
  const auto record = seal(sealer, "after");
  CHECK(open(late, record) == "?");
  REQUIRE(opener.take_next_key());
  CHECK(open(opener, record) == "after");
}

TEST_CASE("padding is taken off, and content that is nothing but padding does not open") {
  // The sealer writes the type behind the content: content that ends with a type and zeros, sealed
  // under the type 0, is a padded record.
  const auto none = static_cast<ContentType>(0);
  for (const auto& [content, expected] :
       {std::pair(std::string("abc\x17\0\0\0", 7), "abc"), std::pair(std::string("\x17\0", 2), ""),
        std::pair(std::string("\0\0\0", 3), "?"), std::pair(std::string(), "?")}) {
    RecordCipher sealer = cipher_of(Direction::seals);
    RecordCipher opener = cipher_of(Direction::opens);
    CHECK(open(opener, seal(sealer, content, none)) == expected);
  }
}

TEST_CASE("heads of sealed records are told from all others") {
  const auto is_sealed = [](std::initializer_list<uint8_t> bytes) {
    const std::vector<uint8_t> head(bytes);
    return is_sealed_head(decode_record_head(std::span(head).first<5>()));
  };
  CHECK(is_sealed({23, 3, 3, 0, 17}));
  CHECK(is_sealed({23, 3, 3, 0x41, 0}));
  CHECK(!is_sealed({23, 3, 3, 0x41, 1}));  // longer than any
  CHECK(!is_sealed({23, 3, 3, 0, 16}));    // no room for a type
  CHECK(!is_sealed({23, 3, 1, 0, 17}));
  CHECK(!is_sealed({22, 3, 3, 0, 17}));
  CHECK(!is_sealed({20, 3, 3, 0, 1}));
  CHECK(!is_sealed({0x13, 'B', 'i', 't', 'T'}));
}
