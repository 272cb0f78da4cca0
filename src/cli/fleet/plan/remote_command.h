// The command lines that hosts are given: built word by word and quoted, for whatever shell the
// remote user has (POSIX quoting is read alike by sh, dash, bash, zsh, ksh and fish). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace murder::fleet {

// A path on a host, as one word. "~" and "~/..." mean the remote user's home there; all else is
// taken byte by byte.
[[nodiscard]] std::string quote_path(std::string_view path);

// Bytes a second at the most; 0: no limit.
struct LinkLimits {
  uint64_t upload = 0;
  uint64_t download = 0;
};

// What a host that fetches or serves is told of itself; what is empty is not said.
struct HostIdentity {
  std::string_view ip;
  std::string_view rack;
  std::string_view label;
  std::string_view peer_port;
  LinkLimits limits;
  std::string_view transport;
};

class CommandLine {
 public:
  // The program REMOTE_MURDER_PATH/murder with one of its commands.
  [[nodiscard]] static CommandLine murder(std::string_view remote_murder_path,
                                          std::string_view command);
  // A script for sh; path() and word() become $1, $2, ... It must not hold a line break: some
  // shells end a quoted word there.
  [[nodiscard]] static CommandLine script(std::string_view script);

  CommandLine& word(std::string_view word);
  CommandLine& path(std::string_view path);
  // "--name=value" where the value could be taken for an option, or for none at all.
  CommandLine& option(std::string_view name, std::string_view value);
  CommandLine& path_option(std::string_view name, std::string_view path);
  CommandLine& flag(std::string_view name, bool is_wanted = true);
  CommandLine& identity(const HostIdentity& identity);

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  explicit CommandLine(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

// --- Scripts: what murder itself cannot do there ------------------------------------------------
// It is not there yet, or must not be trusted.

// Prints "same" or "other": whether DIR/murder has this SHA-1.
[[nodiscard]] std::string compare_program_command(std::string_view directory,
                                                  std::string_view sha1_hex);
// Takes the program on standard input. Refuses a directory that holds anything but murder's own
// files; the program gets its name when it is whole and has run there once.
[[nodiscard]] std::string install_program_command(std::string_view directory,
                                                  std::string_view sha1_hex);
// `murder receive` of a file on standard input, and then `command`, which gets the bytes of
// `input_base64` on its standard input.
struct ReceiveAndRun {
  std::string_view remote_murder_path;
  std::string_view directory;
  std::string_view name;
  uint64_t size_bytes = 0;
  bool no_sync = false;
  std::string_view before;  // "command && " or nothing
  std::string_view input_base64;
  std::string_view command;    // empty: none
  bool input_follows = false;  // that of the command is behind the file, in place of input_base64
};
[[nodiscard]] std::string receive_and_run_command(const ReceiveAndRun& what);
// Prints DIRECTORY/TAG*.torrent: its name on the first line, then its bytes in base64. Several
// torrents of that tag are an error.
[[nodiscard]] std::string send_torrent_command(std::string_view directory, std::string_view tag);
// `murder seed` with the torrent of that tag, which is found as above.
[[nodiscard]] std::string seed_command(std::string_view remote_murder_path,
                                       std::string_view directory, std::string_view tag,
                                       const HostIdentity& identity);

}  // namespace murder::fleet
