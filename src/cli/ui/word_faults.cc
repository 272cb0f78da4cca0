#include "cli/ui/word_faults.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

namespace murder::cli {
namespace {

bool takes_a_value(const CLI::App& app, const std::string& name) {
  const CLI::Option* option = app.get_option_no_throw(name);
  return option != nullptr && option->get_items_expected_min() > 0;
}

// One that takes one value, and was met before under this or another of its names.
bool is_repeated(const CLI::App& app, const std::string& name,
                 std::vector<const CLI::Option*>& seen) {
  const CLI::Option* option = app.get_option_no_throw(name);
  if (option == nullptr || option->get_items_expected_max() != 1 ||
      option->get_multi_option_policy() != CLI::MultiOptionPolicy::Throw) {
    return false;
  }
  if (std::find(seen.begin(), seen.end(), option) != seen.end()) {
    return true;
  }
  seen.push_back(option);
  return false;
}

// The sub-command of this name, or nullptr.
const CLI::App* subcommand_of(const CLI::App& app, const std::string& name) {
  const auto all = app.get_subcommands([](const CLI::App*) { return true; });
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const CLI::App* each) { return each->get_name() == name; });
  return found == all.end() ? nullptr : *found;
}

std::string empty_value(const std::string& option) {
  return fmt::format("{}: its value is empty (is a variable not set?)", option);
}

}  // namespace

std::optional<WordFault> find_word_fault(const CLI::App& app,
                                         const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  std::string command = "murder";
  bool are_options_over = false;
  std::vector<const CLI::Option*> seen;
  for (size_t index = 0; index < words.size(); ++index) {
    const std::string& word = words[index];
    const auto fault = [&](std::string text) {
      return WordFault{.command = command, .text = std::move(text)};
    };
    if (word.empty()) {
      return fault("an argument is empty (is a variable not set?)");
    }
    if (are_options_over || word[0] != '-' || word == "-") {
      if (const CLI::App* next = subcommand_of(*at, word); next != nullptr && !are_options_over) {
        at = next;
        command += " " + word;
      }
      continue;
    }
    if (word == "--") {
      are_options_over = true;
      continue;
    }
    const size_t equals = word.find('=');
    if (const std::string name = word.substr(0, equals); is_repeated(*at, name, seen)) {
      return fault(fmt::format("{}: given twice, and it takes one value", name));
    }
    if (equals != std::string::npos) {
      if (equals + 1 == word.size()) {
        return fault(empty_value(word.substr(0, equals)));
      }
      continue;
    }
    if (!takes_a_value(*at, word) || index + 1 == words.size()) {
      continue;
    }
    const std::string& value = words[++index];
    if (value.empty()) {
      return fault(empty_value(word));
    }
    if (value[0] == '-' && value != "-") {
      return fault(
          fmt::format("{}: a value is missing before '{}' (a value that begins with '-' is "
                      "written {}={})",
                      word, value, word, value));
    }
  }
  return std::nullopt;
}

}  // namespace murder::cli
