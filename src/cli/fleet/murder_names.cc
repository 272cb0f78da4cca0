#include <algorithm>
#include <array>

#include "cli/fleet/fleet_options.h"

namespace murder::fleet {
namespace {

constexpr std::array<std::string_view, 3> fleet_commands = {"fleet", "deploy", "rollback"};

// What Murder took as name=value, with '-' for '_'.
constexpr std::array<std::string_view, 17> murder_names = {
    "tag",
    "files-path",
    "seeder-files-path",
    "destination-path",
    "temp-path",
    "no-tag-directory",
    "unsafe-please-delete",
    "path-is-file",
    "do-not-download-torrent",
    "default-tag",
    "default-seeder-files-path",
    "default-destination-path",
    "default-temp-path",
    "remote-murder-path",
    "tracker-port",
    "peer-port",
    "port",
};

template <size_t count>
bool is_one_of(std::string_view word, const std::array<std::string_view, count>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string with_dashes(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

std::string normalise_word(const std::string& word) {
  const size_t equals = std::min(word.find('='), word.size());
  const std::string name = with_dashes(std::string_view(word).substr(0, equals));
  if (word.starts_with("--")) {
    return name + word.substr(equals);
  }
  if (equals < word.size() && is_one_of(name, murder_names)) {
    return "--" + name + word.substr(equals);
  }
  return word;
}

}  // namespace

std::vector<std::string> normalise_words(std::vector<std::string> words) {
  const auto command = std::find_if(words.begin(), words.end(),
                                    [](const std::string& word) { return !word.starts_with('-'); });
  if (command == words.end() || !is_one_of(*command, fleet_commands)) {
    return words;
  }
  bool is_task_next = *command == "fleet";
  for (auto word = command + 1; word != words.end() && *word != "--"; ++word) {
    if (is_task_next && !word->starts_with('-')) {
      *word = with_dashes(*word);
      is_task_next = false;
    } else {
      *word = normalise_word(*word);
    }
  }
  return words;
}

}  // namespace murder::fleet
