#include "cli/ui/toml_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/ui/suggestion.h"
#include "engine/base/units.h"

namespace murder::cli {

tl::unexpected<Error> TomlReader::wrong(const toml::source_region& source,
                                        std::string_view why) const {
  return fail(ErrorCode::invalid_input,
              fmt::format("{}:{}: {}", path_, static_cast<uint64_t>(source.begin.line), why));
}

tl::unexpected<Error> TomlReader::missing(std::string_view why) const {
  return fail(ErrorCode::invalid_input, fmt::format("{}: {}", path_, why));
}

Status TomlReader::check_keys(const toml::table& table,
                              const std::vector<std::string>& known) const {
  for (const auto& [key, value] : table) {
    const std::string name(key.str());
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string near = nearest_word(name, known);
      return wrong(key.source(),
                   fmt::format("unknown key '{}'{}", name,
                               near.empty() ? "" : fmt::format(": did you mean '{}'?", near)));
    }
  }
  return {};
}

const std::string* text_in(const toml::node& node) {
  const auto* text = node.as_string();
  const bool is_fit =
      text != nullptr && !text->get().empty() && text->get().find('\0') == std::string::npos;
  return is_fit ? &text->get() : nullptr;
}

Result<Duration> duration_in(const toml::node& node) {
  const auto* number = node.as_integer();
  const auto* text = node.as_string();
  return parse_duration(number != nullptr ? std::to_string(number->get())
                        : text != nullptr ? text->get()
                                          : std::string());
}

}  // namespace murder::cli
