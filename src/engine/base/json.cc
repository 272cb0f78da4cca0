#include "engine/base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

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

using LibraryJson = nlohmann::ordered_json;

constexpr int depth_max = 64;

}  // namespace

// Between our values and text, or those of the library.
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

  static Json from_library(const LibraryJson& json) {
    switch (json.type()) {
      case LibraryJson::value_t::array: {
        Json array = Json::array();
        for (const LibraryJson& item : json) {
          array.push_back(from_library(item));
        }
        return array;
      }
      case LibraryJson::value_t::object: {
        Json object = Json::object();
        for (const auto& [key, value] : json.items()) {
          object[key] = from_library(value);
        }
        return object;
      }
      case LibraryJson::value_t::string:
        return json.get_ref<const std::string&>();
      case LibraryJson::value_t::boolean:
        return json.get<bool>();
      case LibraryJson::value_t::number_unsigned:
        return json.get<uint64_t>();
      case LibraryJson::value_t::number_integer:
        return json.get<int64_t>();
      case LibraryJson::value_t::number_float:
        return json.get<double>();
      default:
        return {};
    }
  }
};

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
  bool too_deep = false;
  const LibraryJson value = LibraryJson::parse(
      text,
      [&](int depth, LibraryJson::parse_event_t, LibraryJson&) {
        too_deep = too_deep || depth >= depth_max;
        return !too_deep;
      },
      /*allow_exceptions=*/false);
  if (value.is_discarded() || too_deep) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("this is not JSON{}: '{}'",
                    too_deep ? " that is read here, nested so deeply" : "", text.substr(0, 80)));
  }
  return JsonText::from_library(value);
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
