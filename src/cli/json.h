// JSON for machines: what commands print with --json and what processes tell over control sockets.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/base/result.h"

// Compiled once, in json.cc, instead of in every file that uses it.
extern template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace murder::cli {

// Keys stay in the order they were written in.
using Json = nlohmann::ordered_json;

// One line; bytes that are not UTF-8 (a tag or a file name may have such) become U+FFFD.
[[nodiscard]] std::string json_text(const Json& value);

[[nodiscard]] Result<Json> parse_json(std::string_view text);

// {"error": {"code": "not_found", "text": "..."}}
[[nodiscard]] Json json_of_error(const Error& error);

// The member if it is there and of this type, else the fallback: replies come from other versions.
[[nodiscard]] std::string text_member(const Json& object, std::string_view key,
                                      std::string_view fallback = "");
[[nodiscard]] uint64_t count_member(const Json& object, std::string_view key,
                                    uint64_t fallback = 0);
[[nodiscard]] double number_member(const Json& object, std::string_view key, double fallback = 0);

}  // namespace murder::cli
