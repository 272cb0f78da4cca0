#include "cli/json.h"

#include <fmt/format.h>

template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace murder::cli {
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
  }
  return "unknown";
}

const Json* member(const Json& object, std::string_view key) {
  if (!object.is_object()) {
    return nullptr;
  }
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string json_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> parse_json(std::string_view text) {
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("this is not JSON: '{}'", text.substr(0, 80)));
  }
  return value;
}

Json json_of_error(const Error& error) {
  return {{"error", {{"code", name_of(error.code)}, {"text", error.text}}}};
}

std::string text_member(const Json& object, std::string_view key, std::string_view fallback) {
  const Json* value = member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string(fallback);
}

uint64_t count_member(const Json& object, std::string_view key, uint64_t fallback) {
  const Json* value = member(object, key);
  return value != nullptr && value->is_number_unsigned() ? value->get<uint64_t>() : fallback;
}

double number_member(const Json& object, std::string_view key, double fallback) {
  const Json* value = member(object, key);
  return value != nullptr && value->is_number() ? value->get<double>() : fallback;
}

}  // namespace murder::cli
