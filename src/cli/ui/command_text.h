// The texts of a command and what is known of its options besides what the parser needs: for its
// manual page and for completion in shells. --help, the manual and completion have this one source.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace murder::cli {

// What a value stands for, so that a shell can offer what there is.
enum class ValueKind : uint8_t {
  automatic,    // by its name: DIR, FILE, PATH, TORRENT; else text
  text,         // nothing is known of it
  word,         // one of a list
  path,         // a file or a directory
  directory,    // of this machine
  torrent,      // a .torrent file
  user,         // of this machine
  running_tag,  // of a process that runs here
  waited_tag,   // of a peer in the background, also of one that has ended
  kept_tag,     // of what a release left here: processes, outcomes, torrents
  placed_tag,   // in the directory of --to
  any_tag,      // all of these
  hosts,        // names and node sets of murder.toml, with commas between them
  tracker,      // HOST:PORT
};

struct OptionNotes {
  ValueKind kind = ValueKind::automatic;
  std::vector<std::string> words;  // of ValueKind::word
};

struct ManualItem {
  std::string_view name;
  std::string_view text;
};

// What several commands have in common.
inline constexpr ManualItem sha1_variable = {
    "MURDER_SHA1",
    "The SHA-1 kernels to use (`openssl`, `avx2`, `avx512`, `sha-ni`, `armv8`), for measurements. "
    "Unset, the best that the processor has."};
inline constexpr ManualItem releases_record = {
    "DIR/.murder-releases.json",
    "Which releases were put into the directory of releases, and which were made current."};
inline constexpr ManualItem temp_files = {
    "/tmp", "Where archives and torrents are, unless --temp-path names another directory."};
inline constexpr ManualItem config_file = {
    "./murder.toml", "The hosts of the fleet and defaults of options, see `murder.toml`(5)."};

// Texts are of static storage where they are views. In `details` and items a blank line ends a
// paragraph, a paragraph indented by two spaces is shown as it is, and `backquotes` enclose what is
// typed.
struct CommandText {
  std::string name;
  std::string description;        // what --help begins with
  std::string_view details = {};  // paragraphs of the manual page, behind the description
  std::string example;            // shown under --help: lines of shell
  std::vector<ManualItem> exit_statuses = {};  // none: 0 done, 1 failed, 2 wrong usage
  std::vector<ManualItem> environment = {};    // besides MURDER_RUN_DIR
  std::vector<ManualItem> files = {};
  std::vector<std::string_view> see_also = {};  // "murder-wait(1)"
  // What the exit code says (whether the work was done) is the result, and holds also when nothing
  // could be printed. Of other commands what they print is the result.
  bool has_telling_exit_code = false;
};

// Belongs to one command line, as its parser does.
class CommandNotes {
 public:
  void note(const CLI::App* command, const CommandText& text) { commands_[command] = text; }
  [[nodiscard]] OptionNotes& of(const CLI::Option* option) { return options_[option]; }

  // An empty one of which nothing is known.
  [[nodiscard]] CommandText text_of(const CLI::App* command) const {
    const auto found = commands_.find(command);
    return found == commands_.end() ? CommandText{} : found->second;
  }
  [[nodiscard]] OptionNotes notes_of(const CLI::Option* option) const {
    const auto found = options_.find(option);
    return found == options_.end() ? OptionNotes{} : found->second;
  }

 private:
  std::map<const CLI::App*, CommandText> commands_;
  std::map<const CLI::Option*, OptionNotes> options_;
};

}  // namespace murder::cli
