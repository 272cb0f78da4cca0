// Pages written by hand, with lists that are filled in.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/commands/agent/agent_config_keys.h"
#include "cli/commands/manual/manual_page.h"
#include "cli/commands/manual/roff.h"
#include "cli/commands/tracker/tracker_config_keys.h"
#include "cli/fleet/config_keys.h"

namespace murder::cli {
namespace {

constexpr std::string_view directive_start = ".\\\" @";

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    if (end > 0) {
      words.emplace_back(line.substr(0, end));
    }
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

Error unknown(std::string_view what, std::string_view name) {
  return {ErrorCode::not_found, fmt::format("there is no {} '{}'", what, name)};
}

// `listed`: what earlier lists of the page have.
Result<std::string> commands_list(const CommandDescription& program,
                                  const std::vector<std::string>& names,
                                  std::set<std::string>& listed) {
  std::vector<const CommandDescription*> commands;
  for (const std::string& name : names) {
    commands.push_back(program.find_command(name));
    if (commands.back() == nullptr) {
      return fail(unknown("command", name));
    }
  }
  if (names.empty()) {
    for (const CommandDescription& command : program.commands) {
      if (!listed.contains(command.name)) {
        commands.push_back(&command);
      }
    }
  }
  std::string out = ".Bl -tag -width Ds\n";
  for (const CommandDescription* command : commands) {
    listed.insert(command->name);
    out += fmt::format(".It Xr {} 1\n{}", command->page_name(),
                       roff_text(purpose_of(command->text.description) + "."));
  }
  return out + ".El\n";
}

Result<std::string> some_options(const CommandDescription& program,
                                 const std::vector<std::string>& words) {
  const CommandDescription* command = words.empty() ? nullptr : program.find_command(words.front());
  if (command == nullptr) {
    return fail(unknown("command", words.empty() ? "" : words.front()));
  }
  std::vector<OptionDescription> options;
  for (size_t index = 1; index < words.size(); ++index) {
    const OptionDescription* option = command->find_option(words[index]);
    if (option == nullptr) {
      return fail(unknown("option", words[index]));
    }
    options.push_back(*option);
  }
  if (words.size() == 1) {
    std::copy_if(command->options.begin(), command->options.end(), std::back_inserter(options),
                 [](const OptionDescription& option) { return option.group != common_group; });
  }
  return options_list(options);
}

// A key without a text is also an option of the command.
template <typename Keys>
Result<std::string> keys_list(const Keys& keys, std::string_view table,
                              const CommandDescription* command) {
  std::string list;
  for (const ConfigKey& key : keys) {
    if (key.table != table) {
      continue;
    }
    std::string text(key.text);
    if (text.empty()) {
      std::string name = fmt::format("--{}", key.name);
      std::replace(name.begin(), name.end(), '_', '-');
      const OptionDescription* option = command == nullptr ? nullptr : command->find_option(name);
      if (option == nullptr) {
        return fail(unknown("option", name));
      }
      text = unwrapped(option->help) + ".";
    }
    list += fmt::format(".It Va {} No = Ar {}\n{}", roff_argument(key.name),
                        roff_argument(key.value), roff_text(text));
  }
  if (list.empty()) {
    return fail(unknown("table", table));
  }
  return ".Bl -tag -width Ds\n" + list + ".El\n";
}

Result<std::string> directive_text(std::string_view directive, const CommandDescription& program,
                                   std::set<std::string>& listed) {
  std::vector<std::string> words = words_of(directive);
  const std::string name = words.empty() ? "" : words.front();
  if (!words.empty()) {
    words.erase(words.begin());
  }
  if (name == "commands") {
    return commands_list(program, words, listed);
  }
  if (name == "options") {
    return some_options(program, words);
  }
  if (name == "keys" && words.size() == 1) {
    return keys_list(fleet::config_keys, words.front(), program.find_command("deploy"));
  }
  if (name == "tracker-keys" && words.size() == 1) {
    return keys_list(tracker_config_keys, words.front(), program.find_command("tracker"));
  }
  if (name == "agent-keys" && words.size() == 1) {
    return keys_list(agent_config_keys, words.front(), program.find_command("agent"));
  }
  return fail(unknown("directive", directive));
}

std::string replaced(std::string text, std::string_view name, std::string_view value) {
  for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
    text.replace(at, name.size(), value);
    at += value.size();
  }
  return text;
}

}  // namespace

Result<std::string> filled_page(std::string_view page, const CommandDescription& program,
                                const ManualEdition& edition) {
  std::string out;
  std::set<std::string> listed;
  while (!page.empty()) {
    const size_t end = std::min(page.find('\n'), page.size());
    const std::string_view line = page.substr(0, end);
    page.remove_prefix(std::min(end + 1, page.size()));
    if (!line.starts_with(directive_start)) {
      out += fmt::format("{}\n", line);
      continue;
    }
    const Result<std::string> text =
        directive_text(line.substr(directive_start.size()), program, listed);
    if (!text) {
      return fail(text.error());
    }
    out += *text;
  }
  return replaced(replaced(std::move(out), "@DATE@", edition.date), "@VERSION@", edition.version);
}

}  // namespace murder::cli
