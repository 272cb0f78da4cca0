#include "cli/fleet/plan/printed_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "cli/fleet/plan/shell_words.h"

namespace murder::fleet {
namespace {

// Options of every fleet command (fleet_options.cc) that have a value.
constexpr std::array<std::string_view, 14> fleet_options = {
    "--config",          "--hosts",    "--host", "--tracker", "--seeder",  "--remote-murder-path",
    "--tracker-port",    "--launcher", "--ssh",  "--forks",   "--retries", "--connect-timeout",
    "--command-timeout", "--run-dir"};
constexpr std::array<std::string_view, 2> host_options = {"--host", "--hosts"};

template <typename List>
bool contains(const List& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// As a person would type it: quoted only where it has to be.
std::string typed(std::string_view word) {
  const bool is_plain = !word.empty() && word.find_first_not_of(
                                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789_-./=:,@+%") == std::string_view::npos;
  return is_plain ? std::string(word) : quote_word(word);
}

std::string program_of(std::span<const std::string> words) {
  return words.empty() ? "murder" : typed(words.front());
}

}  // namespace

std::string same_command_with(std::span<const std::string> own_words, std::string_view more) {
  std::string text = program_of(own_words);
  for (const std::string& word : own_words.subspan(std::min<size_t>(1, own_words.size()))) {
    if (word != more) {
      text += " " + typed(word);
    }
  }
  return text + " " + std::string(more);
}

std::string task_command(std::span<const std::string> own_words, std::string_view task,
                         std::string_view hosts) {
  std::string text = fmt::format("{} fleet {}", program_of(own_words), task);
  if (!hosts.empty()) {
    text += fmt::format(" --host {}", typed(hosts));
  }
  for (size_t index = 0; index < own_words.size(); ++index) {
    const std::string& word = own_words[index];
    const std::string name = word.substr(0, word.find('='));
    if (!contains(fleet_options, name)) {
      continue;
    }
    const bool has_value_behind = name.size() == word.size() && index + 1 < own_words.size();
    if (hosts.empty() || !contains(host_options, name)) {
      text += " " + typed(word);
      text += has_value_behind ? " " + typed(own_words[index + 1]) : "";
    }
    index += has_value_behind ? 1 : 0;
  }
  return text;
}

}  // namespace murder::fleet
