// Writes JSON as one line of text, without building a value first. Commas are its matter; that
// every begin has its end and every member of an object its key is its user's.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace murder {

class JsonWriter {
 public:
  void begin_object() { begin('{'); }
  void end_object() { end('}'); }
  void begin_array() { begin('['); }
  void end_array() { end(']'); }
  // The name of the member whose value is written next.
  void key(std::string_view name);

  void null() { put("null"); }
  void boolean(bool value) { put(value ? "true" : "false"); }
  template <std::integral T>
  requires(!std::same_as<T, bool>) void number(T value) {
    if (std::cmp_less(value, 0)) {
      put_signed(static_cast<int64_t>(value));
    } else {
      put_unsigned(static_cast<uint64_t>(value));
    }
  }
  // As few digits as give the same value again; what is not finite becomes null.
  void number(double value);
  // With that many digits behind the point.
  void decimal(double value, int digits);
  // Bytes that are not UTF-8 (a tag or a file name may have such) become U+FFFD.
  void text(std::string_view value);

  // A member and its value.
  template <std::integral T>
  requires(!std::same_as<T, bool>) void member(std::string_view name, T value) {
    key(name);
    number(value);
  }
  template <std::same_as<bool> T>
  void member(std::string_view name, T value) {
    key(name);
    boolean(value);
  }
  void member(std::string_view name, std::string_view value) {
    key(name);
    text(value);
  }

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void begin(char bracket);
  void end(char bracket);
  // A value, with the comma before it where one is due.
  void put(std::string_view value);
  void put_signed(int64_t value);
  void put_unsigned(uint64_t value);
  void append_escaped(std::string_view value);

  std::string out_;
  bool needs_comma_ = false;  // something stands before what comes next
};

}  // namespace murder
