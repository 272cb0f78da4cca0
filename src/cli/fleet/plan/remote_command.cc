#include "cli/fleet/plan/remote_command.h"

#include <utility>

#include "cli/fleet/plan/shell_words.h"

namespace murder::fleet {
namespace {

// Before the file has its name it is hidden, and it goes with the shell, however that ends.
constexpr std::string_view receive_to_hidden =
    "umask 077; set -C; trap 'rm -f -- \"$t\"' EXIT; trap 'exit 1' HUP INT TERM; cat >\"$t\"; ";

// Leaves in $n the name of the one torrent of tag $2 in directory $1, without ".torrent".
constexpr std::string_view find_torrent =
    "set -eu; n=; for e in .tar.zst .tar.gz .tar \"\"; do f=$1/$2$e.torrent; "
    "if [ -e \"$f\" ] || [ -L \"$f\" ]; then "
    // Others may put files there as well.
    "if [ -L \"$f\" ] || [ ! -f \"$f\" ] || [ ! -O \"$f\" ]; then "
    "echo \"$f is not a file of this user: refused, since others may have put it there; remove it, "
    "or name another temp_path\" >&2; exit 1; fi; "
    "if [ -n \"$n\" ]; then echo \"there are $n.torrent and $2$e.torrent in $1: remove the one "
    "that is not meant\" >&2; exit 1; fi; n=$2$e; fi; done; "
    "if [ -z \"$n\" ]; then echo \"no torrent of $2 is in $1: create-torrent makes it\" >&2; "
    "exit 1; fi; ";

std::string joined(std::string_view first, std::string_view second) {
  std::string text(first);
  text += second;
  return text;
}

}  // namespace

std::string quote_path(std::string_view path) {
  if (path == "~") {
    return "\"$HOME\"";
  }
  if (path.starts_with("~/")) {
    return joined("\"$HOME\"/", path.size() == 2 ? "" : quote_word(path.substr(2)));
  }
  // A path that begins with '-' would be taken for an option.
  return path.starts_with('-') ? quote_word(joined("./", path)) : quote_word(path);
}

CommandLine CommandLine::murder(std::string_view remote_murder_path, std::string_view command) {
  const bool ends_in_slash = remote_murder_path.ends_with('/');
  CommandLine line(quote_path(joined(remote_murder_path, ends_in_slash ? "murder" : "/murder")));
  return line.word(command);
}

CommandLine CommandLine::script(std::string_view script) {
  return CommandLine(joined("sh -c ", quote_word(script)) + " sh");
}

CommandLine& CommandLine::word(std::string_view word) {
  text_ += ' ';
  text_ += quote_word(word);
  return *this;
}

CommandLine& CommandLine::path(std::string_view path) {
  text_ += ' ';
  text_ += quote_path(path);
  return *this;
}

CommandLine& CommandLine::option(std::string_view name, std::string_view value) {
  return value.empty() || value.starts_with('-') ? word(joined(joined(name, "="), value))
                                                 : word(name).word(value);
}

CommandLine& CommandLine::path_option(std::string_view name, std::string_view path_value) {
  return word(name).path(path_value);
}

CommandLine& CommandLine::flag(std::string_view name, bool is_wanted) {
  return is_wanted ? word(name) : *this;
}

CommandLine& CommandLine::identity(const HostIdentity& identity) {
  for (const auto& [name, value] :
       {std::pair("--ip", identity.ip), std::pair("--rack", identity.rack),
        std::pair("--label", identity.label), std::pair("--peer-port", identity.peer_port)}) {
    if (!value.empty()) {
      option(name, value);
    }
  }
  for (const auto& [name, limit] : {std::pair("--upload-limit", identity.limits.upload),
                                    std::pair("--download-limit", identity.limits.download)}) {
    if (limit > 0) {
      option(name, std::to_string(limit) + "B");
    }
  }
  if (!identity.transport.empty()) {
    option("--transport", identity.transport);
  }
  return *this;
}

std::string compare_program_command(std::string_view directory, std::string_view sha1_hex) {
  // The sum is kept beside the program with what the file was (inode, size, times to the
  // nanosecond): reading ten megabytes takes longer than all else that this command does.
  return CommandLine::script(
             "n=other; if [ -x \"$1/murder\" ]; then "
             "k=$(stat -L -c \"%i %s %y %z\" \"$1/murder\" 2>/dev/null) || k=; "
             "m=; if [ -n \"$k\" ] && [ -f \"$1/.murder-sum\" ] && [ -O \"$1/.murder-sum\" ]; then "
             "IFS= read -r m <\"$1/.murder-sum\" || m=; fi; "
             "if [ -n \"$m\" ] && [ \"$m\" = \"$2 $k\" ]; then n=same; "
             "elif s=$(sha1sum <\"$1/murder\") && [ \"${s%% *}\" = \"$2\" ]; then n=same; "
             "if [ -n \"$k\" ]; then (umask 022; t=$1/.murder-sum.$$; "
             "echo \"$2 $k\" >\"$t\" && mv -f -- \"$t\" \"$1/.murder-sum\") 2>/dev/null; fi; "
             "fi; fi; echo $n")
      .path(directory)
      .word(sha1_hex)
      .text();
}

std::string install_program_command(std::string_view directory, std::string_view sha1_hex) {
  std::string script =
      "set -eu; "
      "if [ -e \"$1\" ] && [ ! -d \"$1\" ]; then echo \"$1 is there and is not a directory: set "
      "another "
      "remote_murder_path\" >&2; exit 1; fi; "
      // Whatever the umask here: other users of this host run it, too.
      "(umask 022; mkdir -p -- \"$1\"); "
      "for f in \"$1\"/.[!.]* \"$1\"/..?* \"$1\"/*; do "
      "if [ ! -e \"$f\" ] && [ ! -L \"$f\" ]; then continue; fi; "
      "case ${f##*/} in murder|.murder-new.*|.murder-sum*) if [ -d \"$f\" ]; then b=1; else b=; "
      "fi;; *) b=1;; "
      "esac; "
      "if [ -n \"$b\" ]; then echo \"$1 holds ${f##*/}, which is not murder's: nothing was "
      "touched; "
      "empty it or set another remote_murder_path\" >&2; exit 1; fi; done; "
      // What a distribution left that was killed; younger ones may be another's at work.
      "find \"$1\" -name '.murder-new.*' -type f -mmin +60 -exec rm -f -- '{}' ';'; "
      "t=$1/.murder-new.$$; ";
  script += receive_to_hidden;
  script +=
      "chmod 755 \"$t\"; s=$(sha1sum <\"$t\"); "
      "if [ \"${s%% *}\" != \"$2\" ]; then echo \"what arrived is not the program that was sent: "
      "does "
      "a start-up file of this user's shell read its input?\" >&2; exit 1; fi; "
      "if ! o=$(\"$t\" --version 2>&1 >/dev/null); then echo \"this build of murder does not run "
      "on "
      "this host ($(uname -m))${o:+: ${o##*: }}\" >&2; exit 1; fi; "
      "mv -f -- \"$t\" \"$1/murder\"; echo installed";
  return CommandLine::script(script).path(directory).word(sha1_hex).text();
}

std::string receive_and_run_command(const ReceiveAndRun& what) {
  const std::string receive = CommandLine::murder(what.remote_murder_path, "receive")
                                  .path(joined(joined(what.directory, "/"), what.name))
                                  .option("--size", std::to_string(what.size_bytes))
                                  .flag("--no-sync", what.no_sync)
                                  .flag("--more-follows", what.input_follows)
                                  .flag("--quiet")
                                  .text();
  if (what.command.empty()) {
    return what.before.empty() ? receive : CommandLine::script(joined(what.before, receive)).text();
  }
  std::string script(what.before);
  script += receive;
  if (what.input_follows) {
    script += " >/dev/null && ";
    script += what.command;
    return CommandLine::script(script).text();
  }
  script += " >/dev/null && printf %s \"$1\" | base64 -d | ";
  script += what.command;
  return CommandLine::script(script).word(what.input_base64).text();
}

std::string send_torrent_command(std::string_view directory, std::string_view tag) {
  const std::string script =
      joined(find_torrent, "printf '%s\\n' \"$n\"; base64 <\"$1/$n.torrent\"");
  return CommandLine::script(script).path(directory).word(tag).text();
}

std::string seed_command(std::string_view remote_murder_path, std::string_view directory,
                         std::string_view tag, const HostIdentity& identity) {
  std::string script(find_torrent);
  script += "t=$1/$n; m=$3; shift 3; exec \"$m\" seed \"$t.torrent\" \"$t\" \"$@\"";
  CommandLine line = CommandLine::script(script);
  line.path(directory).word(tag);
  const bool ends_in_slash = remote_murder_path.ends_with('/');
  line.path(joined(remote_murder_path, ends_in_slash ? "murder" : "/murder"));
  line.word("--background").word("--quiet").word("--json");
  return line.identity(identity).text();
}

}  // namespace murder::fleet
