// JSON for machines: what commands print with --json and what processes report over control
// sockets. A plain value; JsonWriter writes its text. The library that reads it, whose headers cost
// every file that includes them ten seconds to compile, is in json.cc alone.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/result.h"

namespace murder {

// Null, true or false, a number, text, an array, or an object whose members stay in the order they
// were written in. What is asked of a value of another type (a member of text, say) is not there.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Json(T value) {
    if (std::cmp_less(value, 0)) {
      value_ = static_cast<int64_t>(value);
    } else {
      value_ = static_cast<uint64_t>(value);
    }
  }
  Json(double value) : value_(value) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  template <typename T>
  Json(const std::vector<T>& items) : value_(Array(items.begin(), items.end())) {}
  // An object if each item is a pair that begins with text, else an array.
  Json(std::initializer_list<Json> items);

  static Json array(std::initializer_list<Json> items = {});
  static Json object();

  [[nodiscard]] bool is_null() const { return is<std::monostate>(); }
  [[nodiscard]] bool is_boolean() const { return is<bool>(); }
  [[nodiscard]] bool is_count() const { return is<uint64_t>(); }  // a whole number from 0 on
  [[nodiscard]] bool is_number() const { return is_count() || is<int64_t>() || is<double>(); }
  [[nodiscard]] bool is_text() const { return is<std::string>(); }
  [[nodiscard]] bool is_array() const { return is<Array>(); }
  [[nodiscard]] bool is_object() const { return is<Object>(); }

  // The value, or what such a value is when it is another: 0, no text, nothing in it.
  [[nodiscard]] uint64_t count() const;
  [[nodiscard]] double number() const;
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] const Object& members() const;
  [[nodiscard]] const Array& items() const;
  [[nodiscard]] size_t size() const { return items().size(); }  // of an array
  [[nodiscard]] Array::const_iterator begin() const { return items().begin(); }
  [[nodiscard]] Array::const_iterator end() const { return items().end(); }

  [[nodiscard]] const Json* find(std::string_view key) const;  // null: there is no such member
  [[nodiscard]] bool contains(std::string_view key) const { return find(key) != nullptr; }
  // The member; null if there is none.
  const Json& operator[](std::string_view key) const;
  // The member, added if there is none. A value that is not an object becomes one.
  Json& operator[](std::string_view key);
  // At the end of an array. A value that is not an array becomes one.
  void push_back(Json item);

  friend bool operator==(const Json& left, const Json& right) = default;

 private:
  template <typename T>
  [[nodiscard]] bool is() const {
    return std::holds_alternative<T>(value_);
  }

  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array, Object> value_;

  friend class JsonText;
};

// One line; bytes that are not UTF-8 (a tag or a file name may have such) become U+FFFD.
[[nodiscard]] std::string json_text(const Json& value);

// Errors: what is not JSON, and what is nested deeper than 64.
[[nodiscard]] Result<Json> parse_json(std::string_view text);

// {"error": {"code": "not_found", "text": "..."}}
[[nodiscard]] Json json_of_error(const Error& error);

// The member if it is there and of this type, else the fallback: replies come from other versions.
[[nodiscard]] std::string text_member(const Json& object, std::string_view key,
                                      std::string_view fallback = "");
[[nodiscard]] uint64_t count_member(const Json& object, std::string_view key,
                                    uint64_t fallback = 0);
[[nodiscard]] double number_member(const Json& object, std::string_view key, double fallback = 0);

}  // namespace murder
