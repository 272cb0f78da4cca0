#include "agent/child_words.h"

#include <fmt/format.h>

#include "engine/base/json.h"

namespace murder::agent {
namespace {

Json object_in(std::string_view line) {
  Result<Json> json = parse_json(line);
  return json && json->is_object() ? std::move(*json) : Json::object();
}

}  // namespace

std::string error_in(std::string_view line) {
  return text_member(object_in(line)["error"], "text");
}

std::string failure_of(std::string_view who, std::string_view outcome, std::string_view last_line) {
  std::string told = error_in(last_line);
  if (!told.empty()) {
    return told;
  }
  const std::string_view text = outcome.substr(0, outcome.find(": {"));  // its progress, in JSON
  return text.starts_with("ended by signal")
             ? fmt::format("{} was killed before it could report ({})", who, text)
             : std::string(text);
}

bool says_in_the_way(std::string_view line) {
  static const Json exists = json_of_error({ErrorCode::exists, {}});
  return text_member(object_in(line)["error"], "code") == exists["error"]["code"].text();
}

std::vector<std::string> warnings_in(std::string_view line) {
  const Json told = object_in(line);
  std::vector<std::string> warnings;
  for (const Json& warning : told["warnings"]) {
    warnings.push_back(warning.text());
  }
  return warnings;
}

}  // namespace murder::agent
