#include "engine/codec/bencode.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/base/prng.h"
#include "engine/codec/bounds.h"

using murder::as_bytes_of;
using murder::as_text_of;
using murder::Prng;
using murder::codec::BencodeEntries;
using murder::codec::BencodeItems;
using murder::codec::BencodeType;
using murder::codec::BencodeValue;
using murder::codec::BencodeWriter;
using murder::codec::decode_bencode;
using murder::codec::decode_bencode_prefix;
namespace limits = murder::limits;

namespace {

bool is_good(std::string_view text) {
  return decode_bencode(as_bytes_of(text)).has_value();
}

std::string error_of(std::string_view text) {
  const auto value = decode_bencode(as_bytes_of(text));
  return value ? "" : value.error().text;
}

bool says(std::string_view text, std::string_view what) {
  return error_of(text).find(what) != std::string::npos;
}

// A random value: written, and counted.
void write_random(BencodeWriter& writer, Prng& prng, uint32_t depth) {
  const uint32_t kind = prng.below(depth < 6 ? 4 : 2);
  if (kind == 0) {
    writer.integer(static_cast<int64_t>(prng.next() >> prng.below(64)));
  } else if (kind == 1) {
    writer.string(std::string(prng.below(40), static_cast<char>(prng.below(256))));
  } else {
    const uint32_t count = prng.below(6);
    if (kind == 2) {
      writer.begin_list();
    } else {
      writer.begin_dictionary();
    }
    for (uint32_t index = 0; index < count; ++index) {
      if (kind == 3) {
        writer.key("key" + std::to_string(index));
      }
      write_random(writer, prng, depth + 1);
    }
    writer.end();
  }
}

// Writes again what was read.
void copy(BencodeWriter& writer, const BencodeValue& value) {
  switch (value.type()) {
    case BencodeType::integer:
      return writer.integer(*value.integer());
    case BencodeType::string:
      return writer.string(*value.text());
    case BencodeType::list: {
      writer.begin_list();
      BencodeItems items = value.items();
      while (const auto item = items.next()) {
        copy(writer, *item);
      }
      return writer.end();
    }
    case BencodeType::dictionary: {
      writer.begin_dictionary();
      BencodeEntries entries = value.entries();
      while (const auto entry = entries.next()) {
        writer.key(entry->key);
        copy(writer, entry->value);
      }
      return writer.end();
    }
  }
}

}  // namespace

TEST_CASE("the examples of BEP 3 read as it says") {
  CHECK(decode_bencode(as_bytes_of("4:spam"))->text() == "spam");
  CHECK(decode_bencode(as_bytes_of("0:"))->text() == "");
  CHECK(decode_bencode(as_bytes_of("i3e"))->integer() == 3);
  CHECK(decode_bencode(as_bytes_of("i-3e"))->integer() == -3);
  CHECK(decode_bencode(as_bytes_of("i0e"))->integer() == 0);
  const auto list = decode_bencode(as_bytes_of("l4:spam4:eggse"));
  BencodeItems items = list->items();
  CHECK(items.next()->text() == "spam");
  CHECK(items.next()->text() == "eggs");
  CHECK_FALSE(items.next());
  CHECK_FALSE(items.next());
  const auto dictionary = decode_bencode(as_bytes_of("d3:cow3:moo4:spaml1:a1:bee"));
  CHECK(dictionary->find_text("cow") == "moo");
  CHECK(as_text_of(dictionary->find("spam")->raw()) == "l1:a1:be");
}

TEST_CASE("integers are those of 64 bits, in the one form they have") {
  CHECK(decode_bencode(as_bytes_of("i9223372036854775807e"))->integer() == INT64_MAX);
  CHECK(decode_bencode(as_bytes_of("i-9223372036854775808e"))->integer() == INT64_MIN);
  for (const char* text : {"i9223372036854775808e", "i-9223372036854775809e",
                           "i99999999999999999999999999999999999999e"}) {
    CAPTURE(text);
    CHECK(says(text, "beyond 64 bits"));
  }
  for (const char* text : {"i03e", "i00e", "i-0e", "i-03e"}) {
    CAPTURE(text);
    CHECK(says(text, "leading zero"));
  }
  for (const char* text : {"ie", "i-e", "i+3e", "i 3e", "i3", "i3.0e", "i3x", "i", "i--3e"}) {
    CAPTURE(text);
    CHECK_FALSE(is_good(text));
  }
}

TEST_CASE("strings end within the input and have a plain length") {
  for (const char* text :
       {"5:spam", "4294967295:x", "18446744073709551615:x", "99999999999999999999999999:x", "1",
        "1:", "01:a", "00:", "-1:a", ":a", "4spam", "4 :spam"}) {
    CAPTURE(text);
    CHECK_FALSE(is_good(text));
  }
  for (const char* text : {"5:spam", "1:", "l3:ae", "18446744073709551615:x"}) {
    CAPTURE(text);
    CHECK(says(text, "longer than what is left"));
  }
}

TEST_CASE("what is cut off, out of place or left over is refused") {
  for (const char* text : {"", "l", "d", "d1:a", "d1:ai1e", "li1e", "e", "x", "le e", "i1ei2e",
                           "d1:ae", "di1ei2ee", "dlei2ee", "leX", "\n"}) {
    CAPTURE(text);
    CHECK_FALSE(is_good(text));
  }
  CHECK(says("i1e rest", "5 bytes after the end"));
  CHECK(decode_bencode_prefix(as_bytes_of("i1e rest"))->raw().size() == 3);
}

TEST_CASE("every cut of a good value is refused") {
  const std::string text = "d4:infod5:filesld6:lengthi12e4:pathl1:a2:bceee4:name1:xe1:zlee";
  REQUIRE(is_good(text));
  for (size_t size = 0; size < text.size(); ++size) {
    CHECK_FALSE(is_good(text.substr(0, size)));
  }
}

TEST_CASE("nesting is bounded, and 10,000 levels are a clean error") {
  const auto nested = [](size_t depth) {
    return std::string(depth, 'l') + std::string(depth, 'e');
  };
  CHECK(is_good(nested(limits::bencode_depth_max)));
  CHECK(says(nested(limits::bencode_depth_max + 1), "nested too deep"));
  CHECK(says(nested(10000), "nested too deep"));
  CHECK(says(std::string(10000, 'l'), "nested too deep"));
  std::string dictionaries;
  for (int depth = 0; depth < 10000; ++depth) {
    dictionaries += "d1:a";
  }
  CHECK(says(dictionaries, "nested too deep"));
}

TEST_CASE("twins are found in the dictionary that has them, at any depth") {
  CHECK(is_good("d1:bd1:b0:1:a0:e1:a0:e"));
  CHECK(is_good("d1:bd1:a0:e1:ad1:a0:ee"));
  CHECK(says("d1:cd1:b0:1:a0:1:b0:e1:a0:e", "key twice"));
  CHECK(says("d1:cd1:b0:1:a0:e1:a0:1:c0:e", "key twice"));
}

TEST_CASE("keys out of order are accepted, twins are not") {
  CHECK(decode_bencode(as_bytes_of("d1:bi1e1:ai2ee"))->find_integer("a") == 2);
  CHECK(says("d1:ai1e1:ai2ee", "key twice"));
  CHECK(says("d1:ai1e1:bi3e1:ai2ee", "key twice"));
  CHECK(says("d1:bi1e1:ad1:xlee1:bi2ee", "key twice"));
  CHECK(is_good("d1:ad1:xlee1:xi2ee"));
  CHECK(is_good("d0:i1e1:ai2ee"));
  std::string large = "d";
  for (uint32_t key = 0; key <= limits::bencode_unsorted_keys_max; ++key) {
    large += "5:" + std::to_string(99999 - key) + "le";
  }
  CHECK(says(large + "e", "out of order"));
}

TEST_CASE("a value of another type is not there") {
  const auto value = decode_bencode(as_bytes_of("d1:ai1e1:b1:x1:clee"));
  CHECK_FALSE(value->integer());
  CHECK_FALSE(value->text());
  CHECK_FALSE(value->items().next());
  CHECK_FALSE(value->find_text("a"));
  CHECK_FALSE(value->find_integer("b"));
  CHECK_FALSE(value->find("d"));
  CHECK_FALSE(value->find("c")->entries().next());
  CHECK_FALSE(value->find("c")->find("a"));
  CHECK_FALSE(value->find("a")->bytes());
}

TEST_CASE("strings may hold any bytes, and come back as spans of the input") {
  const std::string text = std::string("4:\0e:\xff", 6);
  const auto value = decode_bencode(as_bytes_of(text));
  REQUIRE(value);
  CHECK(value->text() == std::string_view("\0e:\xff", 4));
  CHECK(static_cast<const void*>(value->bytes()->data()) == text.data() + 2);
}

TEST_CASE("what is written reads back to the same bytes") {
  Prng prng(7);
  for (int round = 0; round < 2000; ++round) {
    BencodeWriter writer;
    write_random(writer, prng, 0);
    const std::string text = writer.take();
    const auto value = decode_bencode(as_bytes_of(text));
    REQUIRE(value);
    BencodeWriter again;
    copy(again, *value);
    CHECK(again.take() == text);
  }
}

TEST_CASE("random damage is an error or another value, never a crash") {
  Prng prng(8);
  for (int round = 0; round < 5000; ++round) {
    BencodeWriter writer;
    write_random(writer, prng, 0);
    std::string text = writer.take();
    for (uint32_t hits = 1 + prng.below(3); hits > 0; --hits) {
      text[prng.below(static_cast<uint32_t>(text.size()))] = "0123456789:ilde-\xff"[prng.below(17)];
    }
    const auto value = decode_bencode(as_bytes_of(text));
    if (value) {
      CHECK(value->raw().size() == text.size());
    }
  }
}
