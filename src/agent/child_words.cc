#include "agent/child_words.h"

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
