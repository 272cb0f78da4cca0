// Plain values as members of JSON objects, and back. What members a value has is said once, by a
// function `describe(io, value)` that calls io(name, member) for each, for the writer and for the
// reader; of members that are objects themselves it must be found in this namespace. Everything
// that is read has a bound.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/json.h"
#include "engine/base/printable.h"
#include "engine/base/types.h"
#include "engine/control/bounds.h"
#include "engine/control/names.h"
#include "engine/control/names_of.h"
#include "engine/control/share.h"
#include "engine/control/state.h"

namespace murder::control {

class MemberWriter {
 public:
  explicit MemberWriter(Json& object) : object_(object) {}

  template <typename T>
  void operator()(std::string_view name, T& value) {
    object_[name] = json_of(value);
  }

  // Of a text or a list: left out where it is empty; of what may be none: where it is.
  template <typename T>
  void optional(std::string_view name, T& value) {
    if (!value.empty()) {
      (*this)(name, value);
    }
  }
  template <typename T>
  void optional(std::string_view name, std::optional<T>& value) {
    if (value) {
      (*this)(name, value);
    }
  }

 private:
  static Json json_of(const std::string& value) { return value; }
  static Json json_of(bool value) { return value; }
  static Json json_of(uint64_t value) { return value; }
  static Json json_of(uint32_t value) { return value; }
  static Json json_of(int64_t value) { return value; }
  static Json json_of(ReleaseNumber value) { return value.raw; }
  static Json json_of(const SignedText& value) { return value.text; }
  static Json json_of(const InfoHash& value) { return value.hex(); }
  static Json json_of(const Share& value) { return value.text(); }
  static Json json_of(Duration value) { return value / std::chrono::milliseconds(1); }
  template <typename T>
  static Json json_of(const std::vector<T>& list) {
    Json array = Json::array();
    for (const T& item : list) {
      array.push_back(json_of(item));
    }
    return array;
  }
  template <typename T>
  static Json json_of(const std::optional<T>& value) {
    return value ? json_of(*value) : Json();
  }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  static Json json_of(Enum value) { return names_of<Enum>[static_cast<size_t>(value)]; }
  // An object by its own `describe`.
  template <typename T>
  requires std::is_class_v<T>
  static Json json_of(const T& value) {
    Json object = Json::object();
    MemberWriter writer(object);
    T copy = value;  // `describe` is the reader's too
    describe(writer, copy);
    return object;
  }

  Json& object_;
};

class MemberReader {
 public:
  explicit MemberReader(const Json& object) : object_(object) {}

  template <typename T>
  void operator()(std::string_view name, T& value) {
    const Json* member = object_.find(name);
    if (member == nullptr || !take(*member, value)) {
      refuse(name, member == nullptr ? "is missing" : "has another type or is out of bounds");
    }
    ++known_count_;
  }

  template <typename T>
  void optional(std::string_view name, T& value) {
    if (object_.contains(name)) {
      (*this)(name, value);
    }
  }

  // What was wrong first; empty: nothing.
  [[nodiscard]] const std::string& fault() const { return fault_; }
  // The same, or what the object has beyond what was asked for and `others`.
  [[nodiscard]] std::string strict_fault(size_t others = 0) const {
    return !fault_.empty() || object_.members().size() == known_count_ + others
               ? fault_
               : "it has a member that is not known";
  }

 private:
  // Of one list; what is told of an app's revoked releases is the longest.
  static constexpr size_t list_max =
      std::max(limits::control_list_max, limits::control_revoked_told_max);

  void refuse(std::string_view name, std::string_view what) {
    if (fault_.empty()) {
      fault_ = fmt::format("{} {}", name, what);
    }
  }

  static bool take(const Json& json, std::string& value) {
    value = json.text();
    return json.is_text() && value.size() <= limits::control_text_bytes_max + 32 &&
           printable_lines(value) == value;
  }
  static bool take(const Json& json, bool& value) {
    value = json == Json(true);
    return json.is_boolean();
  }
  static bool take(const Json& json, uint64_t& value) {
    value = json.count();
    return json.is_count();
  }
  static bool take(const Json& json, uint32_t& value) {
    value = static_cast<uint32_t>(json.count());
    return json.is_count() && json.count() <= UINT32_MAX;
  }
  static bool take(const Json& json, int64_t& value) {
    value = static_cast<int64_t>(json.count());
    return json.is_count() && json.count() <= static_cast<uint64_t>(INT64_MAX);
  }
  static bool take(const Json& json, ReleaseNumber& value) { return take(json, value.raw); }
  static bool take(const Json& json, SignedText& value) {
    value.text = json.text();
    return json.is_text() && (value.text.empty() || is_signed_text(value.text));
  }
  static bool take(const Json& json, InfoHash& value) {
    const std::optional<InfoHash> id = InfoHash::from_hex(json.text());
    value = id.value_or(InfoHash{});
    return id && value.hex() == json.text();
  }
  static bool take(const Json& json, Share& value) {
    const Result<Share> share = Share::parse(json.text());
    value = share.value_or(Share{});
    return share && share->text() == json.text();
  }
  static bool take(const Json& json, Duration& value) {
    const uint64_t most = limits::control_duration_max / std::chrono::milliseconds(1);
    value = std::chrono::milliseconds(std::min(json.count(), most));
    return json.is_count() && json.count() <= most;
  }
  template <typename T>
  static bool take(const Json& json, std::optional<T>& value) {
    if (json.is_null()) {
      value.reset();
      return true;
    }
    return take(json, value.emplace());
  }
  template <typename T>
  static bool take(const Json& json, std::vector<T>& list) {
    constexpr size_t most =
        std::is_same_v<T, InfoHash> ? list_max : size_t{limits::control_list_max};
    list.resize(std::min<size_t>(json.size(), most));
    for (size_t index = 0; index < list.size(); ++index) {
      if (!take(json.items()[index], list[index])) {
        return false;
      }
    }
    return json.is_array() && json.size() == list.size();
  }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  static bool take(const Json& json, Enum& value) {
    const auto& names = names_of<Enum>;
    const auto found = std::find(names.begin(), names.end(), json.text());
    value = static_cast<Enum>(found == names.end() ? 0 : found - names.begin());
    return json.is_text() && found != names.end();
  }
  // An object by its own `describe`.
  template <typename T>
  requires std::is_class_v<T>
  static bool take(const Json& json, T& value) {
    MemberReader reader(json);
    describe(reader, value);
    return json.is_object() && reader.fault().empty();
  }

  const Json& object_;
  size_t known_count_ = 0;
  std::string fault_;
};

}  // namespace murder::control
