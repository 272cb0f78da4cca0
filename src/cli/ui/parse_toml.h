// A TOML file as a table, for the readers of murder.toml, tracker.toml and agent.toml.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "cli/ui/toml_key_depth.h"
#include "cli/ui/toml_library.h"
#include "engine/base/result.h"

namespace murder::cli {

// Fails with the path and the line.
inline Result<toml::table> parse_toml(std::string_view text, const std::string& path) {
  if (Status checked = check_toml_key_depth(text, path); !checked) {
    return fail(checked.error());
  }
  toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return fail(ErrorCode::invalid_input,
                fmt::format("{}:{}: {}", path, static_cast<uint64_t>(error.source().begin.line),
                            error.description()));
  }
  return std::move(parsed).table();
}

}  // namespace murder::cli
