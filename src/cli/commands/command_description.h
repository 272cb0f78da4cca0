// The command line as plain values, taken from the parser that reads it: what manual pages and
// completion are made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/ui/command_text.h"

namespace murder::cli {

struct OptionDescription {
  std::vector<std::string> names;  // "--to", "--destination-path", "-q"; of an argument none
  std::string value_name;          // empty: it takes no value
  std::string help;
  std::string group;  // a title
  std::string default_text;
  ValueKind kind = ValueKind::text;
  std::vector<std::string> words;  // of ValueKind::word
  bool is_required = false;
  bool may_repeat = false;

  [[nodiscard]] bool is_argument() const { return names.empty(); }
  [[nodiscard]] bool takes_value() const { return !value_name.empty(); }
  // The longest name: "--quiet".
  [[nodiscard]] const std::string& long_name() const { return names.back(); }
  bool operator==(const OptionDescription&) const = default;
};

struct CommandDescription {
  std::string name;       // "create"
  std::string full_name;  // "murder fleet peer"
  CommandText text;
  std::vector<OptionDescription> arguments;
  std::vector<OptionDescription> options;
  std::vector<CommandDescription> commands;

  [[nodiscard]] const CommandDescription* find_command(std::string_view command_name) const;
  // "--to" or "-q"; nullptr: there is none.
  [[nodiscard]] const OptionDescription* find_option(std::string_view option_name) const;
  // "murder-fleet-peer"
  [[nodiscard]] std::string page_name() const;
};

inline constexpr std::string_view options_group = "Options";
inline constexpr std::string_view common_group = "Common options";

// The whole program, or of its commands only the one named (which is what takes time).
[[nodiscard]] CommandDescription describe_program(std::string_view command = {});

// A text without the line breaks that fit --help.
[[nodiscard]] std::string unwrapped(std::string_view text);
// Up to the end of the first sentence, without the period.
[[nodiscard]] std::string first_sentence(std::string_view text);
// The same up to a colon, if enough is said by then.
[[nodiscard]] std::string purpose_of(std::string_view text);

}  // namespace murder::cli
