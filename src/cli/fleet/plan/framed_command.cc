#include "cli/fleet/plan/framed_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "cli/fleet/plan/shell_words.h"
#include "engine/base/endpoint.h"

namespace murder::fleet {
namespace {

constexpr size_t said_bytes_max = 200;
constexpr int exit_not_found = 127;

// Leaves in $f what take_facts reads: where the connection arrived, own addresses, the machine, and
// namespaces of signers.
constexpr std::string_view ask_facts =
    "a=${SSH_CONNECTION:-}; a=${a% *}; a=${a##* }; i=; "
    "case $a in 127.*|::1|fe80:*) i=$(hostname -I 2>/dev/null);; esac; "
    "b=; read -r b </proc/sys/kernel/random/boot_id; "
    "n=; o=/etc/murder/allowed_signers; [ -r $o ] && n=$(grep -v '^[[:space:]]*#' $o | "
    "grep -io 'namespaces=\"[^\"|]*\"' | grep -e '[*?]' -e murder-order | sort -u | head -c 1000 | "
    "tr '\\n' ' '); "
    "f=\"|$a|$i|$b $(echo $(stat -L -c %d:%i /proc/self/ns/net / 2>/dev/null))|$n\"; ";

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

bool is_for_others(std::string_view text) {
  const std::optional<IpAddress> address = IpAddress::parse(text);
  const bool is_local = text.starts_with("127.") || text == "::1" || text.starts_with("fe80:") ||
                        text.starts_with("169.254.");
  return address && !address->is_unspecified() && !is_local;
}

HostFacts take_facts(std::string_view line) {
  const std::vector<std::string_view> parts = split(line, '|');
  if (parts.size() != 5) {
    return {};
  }
  HostFacts facts{.is_known = true, .namespaces = std::string(parts[4])};
  std::vector<std::string_view> addresses = split(parts[2], ' ');
  addresses.insert(addresses.begin(), parts[1]);
  const auto usable = std::find_if(addresses.begin(), addresses.end(), is_for_others);
  if (usable != addresses.end()) {
    facts.address = *usable;
  }
  const std::vector<std::string_view> marks = split(parts[3], ' ');
  const bool is_whole = marks.size() == 3 && std::none_of(marks.begin(), marks.end(),
                                                          [](auto mark) { return mark.empty(); });
  // Without ssh it may be a part of this machine that passes for a host.
  if (is_whole && !parts[1].empty()) {
    facts.machine = parts[3];
  }
  return facts;
}

struct Framed {
  bool has_begin = false;
  std::string_view begin_line;  // behind the mark
  std::string_view content;
};

// A mark may stand behind a last line that has no end.
Framed unframe(std::string_view text) {
  Framed framed{.content = text};
  const size_t begin = text.find(frame_begin_mark);
  if (begin != std::string_view::npos) {
    const size_t line_end = std::min(text.find('\n', begin), text.size());
    const size_t behind = begin + frame_begin_mark.size();
    framed.has_begin = true;
    framed.begin_line = text.substr(behind, line_end - behind);
    framed.content = text.substr(std::min(line_end + 1, text.size()));
  }
  framed.content = framed.content.substr(0, framed.content.rfind(frame_end_mark));
  return framed;
}

bool contains_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [text](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

// Why sudo did not run it; empty: it did.
std::string sudo_trouble(const HostResult& result) {
  const std::string_view log = result.log_tail;
  if (log.find("sudo") == std::string_view::npos) {
    return {};
  }
  if (contains_one_of(log, {"a password is required", "a terminal is required", "have a tty"})) {
    return "sudo asks for a password there, and --become cannot answer: allow it without one "
           "(NOPASSWD in sudoers), or connect as root";
  }
  if (contains_one_of(log, {"not in the sudoers file", "may not run sudo", "is not allowed to"})) {
    return "sudo does not allow this user to run commands as root there: " + reason_line(log);
  }
  if (result.exit_code == exit_not_found && log.find("not found") != std::string_view::npos) {
    return "there is no sudo on this host, which --become needs: install it, or connect as root";
  }
  return {};
}

void judge_unframed(HostResult& result, std::string said) {
  said = said.substr(0, said_bytes_max);
  result.outcome = Outcome::failed;
  result.reason = "the login shell of this user runs no commands there" +
                  (said.empty() ? "" : fmt::format(" (it said: {})", said));
}

// It was reached, as far as is known, and nothing was run there.
void judge_unbegun(HostResult& result) {
  const std::string said = reason_line(result.log_tail.empty() ? result.output : result.log_tail);
  result.reason = fmt::format(
      "the login shell of this user did not run the command in time: a start-up file may wait for "
      "something{}",
      said.empty() ? "" : fmt::format(" (it said: {})", said.substr(0, said_bytes_max)));
}

}  // namespace

std::string frame_command(std::string_view command, const FrameOptions& options) {
  std::string inner(command);
  if (options.become) {
    inner = "sudo -n -H -- sh -c " + quote_word(command);
  }
  const std::string script = fmt::format(
      "{}echo \"{}{}\"; echo {} >&2; ({} ); s=$?; echo {}; echo {} >&2; exit $s",
      options.asks_facts ? ask_facts : "", frame_begin_mark, options.asks_facts ? "$f" : "",
      frame_begin_mark, inner, frame_end_mark, frame_end_mark);
  return "sh -c " + quote_word(script);
}

HostFacts take_frame(HostResult& result, const FrameOptions& options) {
  const Framed output = unframe(result.output);
  const Framed log = unframe(result.log_tail);
  const HostFacts facts = output.has_begin ? take_facts(output.begin_line) : HostFacts();
  const std::string content(output.content);
  const std::string log_content(log.content);
  result.output = content;
  result.log_tail = log_content;
  const bool has_begun = output.has_begin || log.has_begin || result.output_is_cut;
  if (result.outcome == Outcome::timed_out && !has_begun) {
    judge_unbegun(result);
  }
  const bool has_ended = result.outcome == Outcome::ok || result.outcome == Outcome::failed;
  if (!has_ended) {
    return facts;
  }
  if (!has_begun) {
    judge_unframed(result, reason_line(result.log_tail.empty() ? content : result.log_tail));
  } else if (result.outcome == Outcome::failed) {
    const std::string line = reason_line(result.log_tail);
    result.reason = line.empty() ? fmt::format("exit status {}", result.exit_code) : line;
    const std::string trouble = options.become ? sudo_trouble(result) : "";
    result.reason = trouble.empty() ? result.reason : trouble;
  }
  return facts;
}

}  // namespace murder::fleet
