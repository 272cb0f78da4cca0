// Bencode (BEP 3): a checked view over input, and a writer.
//
// decode_bencode checks all of the input once, with a stack on the heap whose depth is bounded.
// A BencodeValue is then a view into bytes known to be good, and walking it cannot fail. There is
// no tree: finding a key walks over the values before it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/codec/bounds.h"

namespace murder::codec {

class BencodeItems;
class BencodeEntries;

enum class BencodeType : uint8_t { integer, string, list, dictionary };

// One value; lives as long as the input it looks at.
class BencodeValue {
 public:
  [[nodiscard]] BencodeType type() const;
  // The value's own bytes, as they stand in the input.
  [[nodiscard]] std::span<const uint8_t> raw() const { return raw_; }

  // nullopt when the value is of another type.
  [[nodiscard]] std::optional<int64_t> integer() const;
  [[nodiscard]] std::optional<std::span<const uint8_t>> bytes() const;
  [[nodiscard]] std::optional<std::string_view> text() const;

  [[nodiscard]] bool is_list() const { return type() == BencodeType::list; }
  [[nodiscard]] bool is_dictionary() const { return type() == BencodeType::dictionary; }

  // The members; none when this is not a list, or not a dictionary.
  [[nodiscard]] BencodeItems items() const;
  [[nodiscard]] BencodeEntries entries() const;

  // The value of a key of a dictionary; nullopt when there is none or this is not a dictionary.
  [[nodiscard]] std::optional<BencodeValue> find(std::string_view key) const;
  // The same, and nullopt when the value is of another type.
  [[nodiscard]] std::optional<int64_t> find_integer(std::string_view key) const;
  [[nodiscard]] std::optional<std::string_view> find_text(std::string_view key) const;

 private:
  friend class BencodeItems;
  friend class BencodeEntries;
  friend Result<BencodeValue> decode_bencode_prefix(std::span<const uint8_t> input);
  explicit BencodeValue(std::span<const uint8_t> raw) : raw_(raw) {}

  std::span<const uint8_t> raw_;
};

// Walks a list.
class BencodeItems {
 public:
  [[nodiscard]] std::optional<BencodeValue> next();

 private:
  friend class BencodeValue;
  explicit BencodeItems(std::span<const uint8_t> rest) : rest_(rest) {}
  std::span<const uint8_t> rest_;  // from the next item on, or empty, or at the closing 'e'
};

struct BencodeEntry {
  std::string_view key;
  BencodeValue value;
};

// Walks a dictionary, in the order of the input.
class BencodeEntries {
 public:
  [[nodiscard]] std::optional<BencodeEntry> next();

 private:
  friend class BencodeValue;
  explicit BencodeEntries(std::span<const uint8_t> rest) : rest_(rest) {}
  std::span<const uint8_t> rest_;
};

// The whole input is one value. Errors: what breaks the format (integers with leading zeros or
// beyond 64 bits, strings longer than what is left, keys that are not strings or come twice, bytes
// after the value), nesting beyond limits::bencode_depth_max. Keys out of order are accepted, in
// dictionaries of up to limits::bencode_unsorted_keys_max keys.
[[nodiscard]] Result<BencodeValue> decode_bencode(std::span<const uint8_t> input);

// The same, but other bytes may follow: raw().size() says where.
[[nodiscard]] Result<BencodeValue> decode_bencode_prefix(std::span<const uint8_t> input);

// Writes canonical bencode. Keys must come in ascending order: that they do is the caller's duty,
// and checked.
class BencodeWriter {
 public:
  void begin_dictionary();
  void begin_list();
  void end();  // of the innermost list or dictionary
  void key(std::string_view key);
  void integer(int64_t value);
  void string(std::string_view text);
  void string(std::span<const uint8_t> bytes) { string(as_text_of(bytes)); }
  // A value that is encoded already.
  void raw(std::string_view encoded);

  // What was written; every list and dictionary is ended.
  [[nodiscard]] std::string take();

 private:
  struct Level {
    bool is_dictionary = false;
    bool has_key = false;       // and waits for its value
    size_t last_key_begin = 0;  // in out_
    size_t last_key_bytes = 0;
    bool is_first = true;
  };

  void before_value();
  void append_string(std::string_view text);

  std::string out_;
  std::array<Level, limits::bencode_written_depth_max> levels_{};
  uint32_t depth_ = 0;
};

}  // namespace murder::codec
