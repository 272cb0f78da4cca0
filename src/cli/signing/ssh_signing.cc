#include "cli/signing/ssh_signing.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include <cerrno>
#include <cstdlib>

#include "cli/signing/run_program.h"
#include "cli/ui/path_word.h"
#include "engine/base/printable.h"
#include "engine/trust/ssh_signature.h"

namespace murder::cli {
namespace {

constexpr std::string_view missing_program =
    "is not installed, and it makes the signatures: install openssh-client";
constexpr size_t words_lines_max = 3;

std::string in_home(const std::string& path) {
  const char* home = std::getenv("HOME");
  return path.starts_with("~/") && home != nullptr ? home + path.substr(1) : path;
}

// The last lines of what a program said, in one.
std::string last_words_of(std::string_view log) {
  std::string words;
  size_t lines = 0;
  while (!log.empty() && lines < words_lines_max) {
    log = log.substr(0, log.find_last_not_of("\r\n") + 1);
    const size_t begin = log.rfind('\n') + 1;  // 0 when there is none
    const std::string_view line = log.substr(begin);
    log = log.substr(0, begin);
    if (!line.empty()) {
      words = fmt::format("{}{}{}", printable_value(line), words.empty() ? "" : "; ", words);
      ++lines;
    }
  }
  return words.empty() ? "it said nothing" : words;
}

Result<ProgramEnd> run_openssh(const ProgramOptions& options) {
  Result<ProgramEnd> end = run_program(options);
  if (!end && end.error().code == ErrorCode::not_found) {
    return fail(ErrorCode::not_found,
                fmt::format("{} {}", options.arguments.front(), missing_program));
  }
  return end;
}

Result<SigningKey> first_of_agent() {
  const Result<ProgramEnd> listed = run_openssh({.arguments = {"ssh-add", "-L"}});
  if (!listed) {
    return fail(listed.error());
  }
  constexpr std::string_view remedy =
      "name a key (--sign FILE, or sign_key in murder.toml), or add one with `ssh-add`";
  if (listed->exit_code == 2) {
    return fail(ErrorCode::not_found, fmt::format("no ssh-agent can be asked for a key to sign "
                                                  "with: {}",
                                                  remedy));
  }
  std::string_view rest = listed->output;
  while (listed->exit_code == 0 && !rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::string_view type = line.substr(0, line.find(' '));
    if (trust::key_type_of(type) || trust::key_type_of(type, true)) {
      const size_t comment = line.find(' ', std::min(type.size() + 1, line.size()));
      return SigningKey{
          .public_line = std::string(line) + "\n",
          .name = fmt::format("{} of the ssh-agent",
                              comment == std::string_view::npos ? type : line.substr(comment + 1))};
    }
  }
  return fail(ErrorCode::not_found,
              fmt::format("the ssh-agent has no key to sign with: {}", remedy));
}

// What OpenSSH's words mean for who reads ours.
std::string_view remedy_of(std::string_view log) {
  if (log.find("agent refused operation") != std::string_view::npos) {
    return ": the ssh-agent refused (was the use of the key confirmed, the token touched?)";
  }
  if (log.find("incorrect passphrase") != std::string_view::npos) {
    return ": the passphrase is wrong";
  }
  if (log.find("No private key found for") != std::string_view::npos) {
    return ": the ssh-agent does not have this key (`ssh-add`)";
  }
  return "";
}

}  // namespace

Result<SigningKey> find_signing_key(const std::string& wish) {
  if (wish.empty()) {
    return first_of_agent();
  }
  const std::string path = whole_path(in_home(wish)).string();
  if (::access(path.c_str(), R_OK) == 0) {
    return SigningKey{.path = path, .name = wish};
  }
  const int error = errno;
  // ssh-keygen looks for it, and the agent has the private one.
  if (::access((path + ".pub").c_str(), R_OK) == 0) {
    return SigningKey{.path = path, .name = wish};
  }
  return fail_errno(error, fmt::format("cannot read the key {}", printable_value(wish)));
}

Result<MadeSignature> make_signature(const SigningKey& key, std::string_view message,
                                     std::string_view name_space, const SigningFront& front) {
  const auto note_prompts = [&front](std::string_view line) {
    if (front.note && line.find("user presence") != std::string_view::npos) {
      front.note(printable_value(line.substr(0, line.find_last_not_of("\r\n") + 1)));
    }
  };
  const Result<ProgramEnd> end =
      run_openssh({.arguments = {"ssh-keygen", "-q", "-Y", "sign", "-n", std::string(name_space),
                                 "-f", key.path.empty() ? inherited_file_path : key.path},
                   .input = message,
                   .inherited_file = key.public_line,
                   .on_line = note_prompts,
                   .cancel = front.cancel});
  if (!end) {
    return fail(end.error());
  }
  if (end->exit_code != 0) {
    return fail(ErrorCode::permission,
                fmt::format("ssh-keygen does not sign with {}{}: {}", printable_value(key.name),
                            remedy_of(end->log), last_words_of(end->log)));
  }
  const auto unusable = [&](const Error& error) {
    return fail(error.code, fmt::format("what ssh-keygen signed with {} cannot be used: {}",
                                        printable_value(key.name), error.text));
  };
  Result<std::string> blob = trust::remove_armour(end->output);
  if (!blob) {
    return unusable(blob.error());
  }
  Result<trust::Signer> signer = trust::inspect_signature(message, *blob, name_space);
  if (!signer) {
    return unusable(signer.error());
  }
  return MadeSignature{.blob = std::move(*blob), .signer = std::move(*signer)};
}

}  // namespace murder::cli
