#include "engine/codec/bencode.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/codec/bounds.h"

namespace murder::codec {
namespace {

bool is_digit(uint8_t byte) {
  return byte >= '0' && byte <= '9';
}

// --- Walking over input that was checked --------------------------------------------------------

struct StringToken {
  std::string_view text;
  size_t token_bytes = 0;  // with its length and colon
};

StringToken string_token(std::span<const uint8_t> checked) {
  size_t at = 0;
  size_t length = 0;
  while (checked[at] != ':') {
    length = length * 10 + (checked[at] - '0');
    ++at;
  }
  ++at;
  return {as_text_of(checked.subspan(at, length)), at + length};
}

// Size of the value at the front.
size_t value_bytes(std::span<const uint8_t> checked) {
  size_t at = 0;
  uint32_t depth = 0;
  do {
    const uint8_t byte = checked[at];
    if (is_digit(byte)) {
      at += string_token(checked.subspan(at)).token_bytes;
    } else if (byte == 'i') {
      while (checked[at] != 'e') {
        ++at;
      }
      ++at;
    } else {
      depth = byte == 'e' ? depth - 1 : depth + 1;
      ++at;
    }
  } while (depth > 0);
  return at;
}

bool has_twins(std::span<std::string_view> keys) {
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

// --- Checking -----------------------------------------------------------------------------------

class Checker {
 public:
  explicit Checker(std::span<const uint8_t> input) : input_(input) {}

  // Checks one value and returns its size.
  Result<size_t> run() {
    do {
      Status step = at_ < input_.size() ? token() : refuse("ends within a value");
      if (!step) {
        return fail(std::move(step.error()));
      }
    } while (!levels_.empty());
    return at_;
  }

 private:
  struct Level {
    bool is_dictionary = false;
    bool awaits_value = false;  // a key was read
    bool is_sorted = true;
    uint32_t key_count = 0;
    size_t keys_begin = 0;  // in keys_
    std::string_view last_key;
  };

  [[nodiscard]] Status refuse(const char* what) const {
    return fail(ErrorCode::invalid_input, fmt::format("bencode: {} (at byte {})", what, at_));
  }

  Status token() {
    const uint8_t byte = input_[at_];
    Level* level = levels_.empty() ? nullptr : &levels_.back();
    if (byte == 'e') {
      return level == nullptr ? refuse("an end without a beginning") : end(*level);
    }
    if (level != nullptr && level->is_dictionary) {
      if (!level->awaits_value) {
        return is_digit(byte) ? key(*level) : refuse("a dictionary's key is not a string");
      }
      level->awaits_value = false;
    }
    if (is_digit(byte)) {
      return string().map([](std::string_view) {});
    }
    if (byte == 'i') {
      return integer();
    }
    if (byte == 'l' || byte == 'd') {
      if (levels_.size() == limits::bencode_depth_max) {
        return refuse("nested too deep");
      }
      levels_.push_back({.is_dictionary = byte == 'd', .keys_begin = keys_.size()});
      ++at_;
      return {};
    }
    return refuse("not a value");
  }

  Status end(const Level& level) {
    if (level.awaits_value) {
      return refuse("a dictionary's key has no value");
    }
    ++at_;
    if (!level.is_sorted) {
      if (level.key_count > limits::bencode_unsorted_keys_max) {
        return refuse("a large dictionary has its keys out of order");
      }
      if (has_twins(std::span(keys_).subspan(level.keys_begin))) {
        return refuse("a dictionary has a key twice");
      }
    }
    keys_.resize(level.keys_begin);
    levels_.pop_back();
    return {};
  }

  Status key(Level& level) {
    Result<std::string_view> name = string();
    if (!name) {
      return fail(std::move(name.error()));
    }
    if (level.key_count > 0) {
      if (*name == level.last_key) {
        return refuse("a dictionary has a key twice");
      }
      level.is_sorted = level.is_sorted && level.last_key < *name;
    }
    ++level.key_count;
    if (level.key_count <= limits::bencode_unsorted_keys_max) {
      keys_.push_back(*name);
    }
    level.last_key = *name;
    level.awaits_value = true;
    return {};
  }

  Result<std::string_view> string() {
    const std::string_view rest = as_text_of(input_.subspan(at_));
    size_t length = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
    const auto digits = static_cast<size_t>(end - rest.data());
    if (error != std::errc{} || (rest[0] == '0' && digits > 1)) {
      return fail(refuse("a bad string length").error());
    }
    if (digits == rest.size() || rest[digits] != ':') {
      return fail(refuse("no colon after a string's length").error());
    }
    if (length > rest.size() - digits - 1) {
      return fail(refuse("a string is longer than what is left").error());
    }
    at_ += digits + 1 + length;
    return rest.substr(digits + 1, length);
  }

  Status integer() {
    const std::string_view rest = as_text_of(input_.subspan(at_ + 1));
    int64_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error == std::errc::result_out_of_range) {
      return refuse("an integer beyond 64 bits");
    }
    const auto used = static_cast<size_t>(end - rest.data());
    if (error != std::errc{} || used == rest.size() || rest[used] != 'e') {
      return refuse("a malformed integer");
    }
    const size_t first_digit = rest[0] == '-' ? 1 : 0;
    if (rest[first_digit] == '0' && used > 1) {  // "-0" as well
      return refuse("an integer with a leading zero");
    }
    at_ += 1 + used + 1;
    return {};
  }

  std::span<const uint8_t> input_;
  size_t at_ = 0;
  std::vector<Level> levels_;           // of the lists and dictionaries that are open
  std::vector<std::string_view> keys_;  // of the dictionaries among them, as far as they may count
};

}  // namespace

BencodeType BencodeValue::type() const {
  switch (raw_[0]) {
    case 'i':
      return BencodeType::integer;
    case 'l':
      return BencodeType::list;
    case 'd':
      return BencodeType::dictionary;
    default:
      return BencodeType::string;
  }
}

std::optional<int64_t> BencodeValue::integer() const {
  if (type() != BencodeType::integer) {
    return std::nullopt;
  }
  int64_t value = 0;
  const std::string_view digits = as_text_of(raw_.subspan(1, raw_.size() - 2));
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::optional<std::span<const uint8_t>> BencodeValue::bytes() const {
  const std::optional<std::string_view> content = text();
  if (!content) {
    return std::nullopt;
  }
  return as_bytes_of(*content);
}

std::optional<std::string_view> BencodeValue::text() const {
  if (type() != BencodeType::string) {
    return std::nullopt;
  }
  return string_token(raw_).text;
}

BencodeItems BencodeValue::items() const {
  return BencodeItems(is_list() ? raw_.subspan(1) : std::span<const uint8_t>());
}

BencodeEntries BencodeValue::entries() const {
  return BencodeEntries(is_dictionary() ? raw_.subspan(1) : std::span<const uint8_t>());
}

std::optional<BencodeValue> BencodeValue::find(std::string_view key) const {
  BencodeEntries walk = entries();
  while (const std::optional<BencodeEntry> entry = walk.next()) {
    if (entry->key == key) {
      return entry->value;
    }
  }
  return std::nullopt;
}

std::optional<int64_t> BencodeValue::find_integer(std::string_view key) const {
  const std::optional<BencodeValue> value = find(key);
  return value ? value->integer() : std::nullopt;
}

std::optional<std::string_view> BencodeValue::find_text(std::string_view key) const {
  const std::optional<BencodeValue> value = find(key);
  return value ? value->text() : std::nullopt;
}

std::optional<BencodeValue> BencodeItems::next() {
  if (rest_.empty() || rest_[0] == 'e') {
    return std::nullopt;
  }
  const BencodeValue value(rest_.first(value_bytes(rest_)));
  rest_ = rest_.subspan(value.raw().size());
  return value;
}

std::optional<BencodeEntry> BencodeEntries::next() {
  if (rest_.empty() || rest_[0] == 'e') {
    return std::nullopt;
  }
  const StringToken key = string_token(rest_);
  rest_ = rest_.subspan(key.token_bytes);
  const BencodeValue value(rest_.first(value_bytes(rest_)));
  rest_ = rest_.subspan(value.raw().size());
  return BencodeEntry{key.text, value};
}

Result<BencodeValue> decode_bencode_prefix(std::span<const uint8_t> input) {
  return Checker(input).run().map(
      [&](size_t size_bytes) { return BencodeValue(input.first(size_bytes)); });
}

Result<BencodeValue> decode_bencode(std::span<const uint8_t> input) {
  Result<BencodeValue> value = decode_bencode_prefix(input);
  if (value && value->raw().size() != input.size()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("bencode: {} bytes after the end (at byte {})",
                            input.size() - value->raw().size(), value->raw().size()));
  }
  return value;
}

// --- Writing ------------------------------------------------------------------------------------

void BencodeWriter::before_value() {
  if (depth_ == 0) {
    ENSURE(out_.empty());
    return;
  }
  Level& level = levels_[depth_ - 1];
  ENSURE(level.is_dictionary == level.has_key);
  level.has_key = false;
}

void BencodeWriter::append_string(std::string_view text) {
  fmt::format_to(std::back_inserter(out_), "{}:", text.size());
  out_.append(text);
}

void BencodeWriter::begin_dictionary() {
  before_value();
  ENSURE(depth_ < levels_.size());
  levels_[depth_++] = Level{.is_dictionary = true};
  out_.push_back('d');
}

void BencodeWriter::begin_list() {
  before_value();
  ENSURE(depth_ < levels_.size());
  levels_[depth_++] = Level{};
  out_.push_back('l');
}

void BencodeWriter::end() {
  ENSURE(depth_ > 0 && !levels_[depth_ - 1].has_key);
  --depth_;
  out_.push_back('e');
}

void BencodeWriter::key(std::string_view key) {
  ENSURE(depth_ > 0);
  Level& level = levels_[depth_ - 1];
  ENSURE(level.is_dictionary && !level.has_key);
  if (!level.is_first) {
    const std::string_view last(out_.data() + level.last_key_begin, level.last_key_bytes);
    ENSURE(last < key);
  }
  append_string(key);
  level.is_first = false;
  level.has_key = true;
  level.last_key_begin = out_.size() - key.size();
  level.last_key_bytes = key.size();
}

void BencodeWriter::integer(int64_t value) {
  before_value();
  fmt::format_to(std::back_inserter(out_), "i{}e", value);
}

void BencodeWriter::string(std::string_view text) {
  before_value();
  append_string(text);
}

void BencodeWriter::raw(std::string_view encoded) {
  before_value();
  out_.append(encoded);
}

std::string BencodeWriter::take() {
  ENSURE(depth_ == 0 && !out_.empty());
  std::string out = std::move(out_);
  out_.clear();
  return out;
}

}  // namespace murder::codec
