#include "engine/base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "engine/base/json_writer.h"

namespace murder {
namespace {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_input:
      return "invalid_input";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::exists:
      return "exists";
    case ErrorCode::permission:
      return "permission";
    case ErrorCode::no_space:
      return "no_space";
    case ErrorCode::io:
      return "io";
    case ErrorCode::network:
      return "network";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::limit:
      return "limit";
    case ErrorCode::conflict:
      return "conflict";
    case ErrorCode::interrupted:
      return "interrupted";
    case ErrorCode::untrusted:
      return "untrusted";
  }
  return "unknown";
}

using LibraryJson = nlohmann::json;

constexpr size_t depth_max = 64;

}  // namespace

// What reads and writes our values as text knows how they are kept.
class JsonText {
 public:
  static void write(const Json& json, JsonWriter& writer) {
    if (const auto* items = std::get_if<Json::Array>(&json.value_)) {
      writer.begin_array();
      for (const Json& item : *items) {
        write(item, writer);
      }
      writer.end_array();
    } else if (const auto* members = std::get_if<Json::Object>(&json.value_)) {
      writer.begin_object();
      for (const auto& [key, value] : *members) {
        writer.key(key);
        write(value, writer);
      }
      writer.end_object();
    } else if (const auto* text = std::get_if<std::string>(&json.value_)) {
      writer.text(*text);
    } else if (const auto* flag = std::get_if<bool>(&json.value_)) {
      writer.boolean(*flag);
    } else if (const auto* count = std::get_if<uint64_t>(&json.value_)) {
      writer.number(*count);
    } else if (const auto* below_zero = std::get_if<int64_t>(&json.value_)) {
      writer.number(*below_zero);
    } else if (const auto* number = std::get_if<double>(&json.value_)) {
      writer.number(*number);
    } else {
      writer.null();
    }
  }

  static Json::Object& members_of(Json& json) { return std::get<Json::Object>(json.value_); }
};

namespace {

bool are_few_and_distinct(const Json::Object& members) {
  if (members.size() > 16) {
    return false;
  }
  for (auto each = members.begin(); each != members.end(); ++each) {
    if (std::any_of(members.begin(), each,
                    [&](const Json::Member& other) { return other.first == each->first; })) {
      return false;
    }
  }
  return true;
}

// Of members with one name the last value counts, at the first one's place. Many are not compared
// each with each: a stranger's text may have ten thousand.
void keep_last_of_each(Json::Object& members) {
  if (are_few_and_distinct(members)) {
    return;
  }
  std::unordered_map<std::string_view, size_t> places;
  size_t kept = 0;
  for (Json::Member& member : members) {
    if (const auto before = places.find(member.first); before != places.end()) {
      members[before->second].second = std::move(member.second);
      continue;
    }
    Json::Member& place = members[kept];
    if (&place != &member) {
      place = std::move(member);
    }
    places.emplace(place.first, kept++);
  }
  members.resize(kept);
}

// Makes our values of what the library reads, one after the other: none of the library's own are
// made. What it returns says whether to go on.
class JsonReader final : public nlohmann::json_sax<LibraryJson> {
 public:
  bool null() override { return put({}); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(int64_t value) override { return put(value); }
  bool number_unsigned(uint64_t value) override { return put(value); }
  bool number_float(double value, const std::string&) override { return put(value); }
  bool string(std::string& value) override { return put(std::move(value)); }
  bool binary(LibraryJson::binary_t&) override { return false; }
  bool key(std::string& value) override {
    key_ = std::move(value);
    return true;
  }
  bool start_object(size_t) override { return begin(Json::object()); }
  bool end_object() override {
    keep_last_of_each(JsonText::members_of(open_.back().value));
    return end();
  }
  bool start_array(size_t) override { return begin(Json::array()); }
  bool end_array() override { return end(); }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

  [[nodiscard]] bool is_too_deep() const { return is_too_deep_; }
  [[nodiscard]] Json take() { return std::move(open_.front().value); }

 private:
  struct Open {
    std::string key;  // under which it goes into what is around it
    Json value;
  };

  bool put(Json value) {
    if (open_.empty()) {
      open_.push_back({.key = {}, .value = std::move(value)});
    } else if (Json& around = open_.back().value; around.is_object()) {
      JsonText::members_of(around).emplace_back(std::move(key_), std::move(value));
    } else {
      around.push_back(std::move(value));
    }
    return true;
  }

  bool begin(Json empty) {
    is_too_deep_ = open_.size() >= depth_max;
    open_.push_back({.key = std::move(key_), .value = std::move(empty)});
    return !is_too_deep_;
  }

  bool end() {
    if (open_.size() > 1) {
      Open done = std::move(open_.back());
      open_.pop_back();
      key_ = std::move(done.key);
      put(std::move(done.value));
    }
    return true;
  }

  std::vector<Open> open_;  // the outermost first, and alone when all is read
  std::string key_;         // of the value that comes next
  bool is_too_deep_ = false;
};

}  // namespace

// --- values --------------------------------------------------------------------------------------

Json::Json(std::initializer_list<Json> items) {
  const bool is_members = std::all_of(items.begin(), items.end(), [](const Json& item) {
    return item.items().size() == 2 && item.items().front().is_text();
  });
  if (!is_members) {
    value_ = Array(items);
    return;
  }
  Object& members = value_.emplace<Object>();
  members.reserve(items.size());
  for (const Json& item : items) {
    members.emplace_back(item.items().front().text(), item.items().back());
  }
}

Json Json::array(std::initializer_list<Json> items) {
  Json json;
  json.value_ = Array(items);
  return json;
}

Json Json::object() {
  Json json;
  json.value_ = Object();
  return json;
}

uint64_t Json::count() const {
  const auto* count = std::get_if<uint64_t>(&value_);
  return count != nullptr ? *count : 0;
}

double Json::number() const {
  if (const auto* number = std::get_if<double>(&value_)) {
    return *number;
  }
  const auto* below_zero = std::get_if<int64_t>(&value_);
  return below_zero != nullptr ? static_cast<double>(*below_zero) : static_cast<double>(count());
}

const std::string& Json::text() const {
  static const std::string none;
  const auto* text = std::get_if<std::string>(&value_);
  return text != nullptr ? *text : none;
}

const Json::Object& Json::members() const {
  static const Object none;
  const auto* members = std::get_if<Object>(&value_);
  return members != nullptr ? *members : none;
}

const Json::Array& Json::items() const {
  static const Array none;
  const auto* items = std::get_if<Array>(&value_);
  return items != nullptr ? *items : none;
}

const Json* Json::find(std::string_view key) const {
  const auto found = std::find_if(members().begin(), members().end(),
                                  [&](const Member& member) { return member.first == key; });
  return found == members().end() ? nullptr : &found->second;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json none;
  const Json* member = find(key);
  return member != nullptr ? *member : none;
}

Json& Json::operator[](std::string_view key) {
  if (!is_object()) {
    value_ = Object();
  }
  auto& members = std::get<Object>(value_);
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const Member& member) { return member.first == key; });
  return found != members.end() ? found->second : members.emplace_back(key, Json()).second;
}

void Json::push_back(Json item) {
  if (!is_array()) {
    value_ = Array();
  }
  std::get<Array>(value_).push_back(std::move(item));
}

// --- text ----------------------------------------------------------------------------------------

std::string json_text(const Json& value) {
  JsonWriter writer;
  JsonText::write(value, writer);
  return writer.take();
}

Result<Json> parse_json(std::string_view text) {
  JsonReader reader;
  // To the library a zero byte is the end of the text, whatever follows; in JSON there is none.
  const bool is_whole =
      text.find('\0') == std::string_view::npos && LibraryJson::sax_parse(text, &reader);
  if (!is_whole) {
    return fail(ErrorCode::invalid_input,
                fmt::format("this is not JSON{}: '{}'",
                            reader.is_too_deep() ? " that is read here, nested so deeply" : "",
                            text.substr(0, 80)));
  }
  return reader.take();
}

Json json_of_error(const Error& error) {
  return {{"error", {{"code", name_of(error.code)}, {"text", error.text}}}};
}

std::string text_member(const Json& object, std::string_view key, std::string_view fallback) {
  const Json& value = object[key];
  return value.is_text() ? value.text() : std::string(fallback);
}

uint64_t count_member(const Json& object, std::string_view key, uint64_t fallback) {
  const Json& value = object[key];
  return value.is_count() ? value.count() : fallback;
}

double number_member(const Json& object, std::string_view key, double fallback) {
  const Json& value = object[key];
  return value.is_number() ? value.number() : fallback;
}

}  // namespace murder
