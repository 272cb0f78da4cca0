// What is wrong with the words of a command line before they are parsed. An empty word is a
// variable of a script that was not set: `--to="$DIR" --unsafe-please-delete` must not take the
// next option for the directory, nor must `--to $DIR --unsafe-please-delete`.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace murder::cli {

struct WordFault {
  std::string command;  // "murder peer", for the hint at its --help
  std::string text;
};

// The first fault: an option with an empty value ("--to=", "--to ''"), an option whose value is the
// next option, an argument that is empty. "-" is a value, and so is what stands behind "=".
[[nodiscard]] std::optional<WordFault> find_word_fault(const CLI::App& app,
                                                       const std::vector<std::string>& words);

}  // namespace murder::cli
