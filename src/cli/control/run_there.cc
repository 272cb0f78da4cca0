#include "cli/control/run_there.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "cli/fleet/own_process.h"
#include "cli/fleet/plan/shell_words.h"
#include "cli/fleet/reach/make_launcher.h"
#include "cli/ui/output.h"

namespace murder::cli {
namespace {

constexpr std::array<std::string_view, 3> words_of_here = {"--coordinator", "--ssh", "--config"};

}  // namespace

std::vector<std::string> words_for_there(const std::vector<std::string>& words,
                                         const codec::ServerPlace& coordinator) {
  std::vector<std::string> there;
  size_t index = 0;
  for (; index < words.size() && words[index] != "--"; ++index) {
    const std::string& word = words[index];
    const std::string_view name = std::string_view(word).substr(0, word.find('='));
    if (std::ranges::find(words_of_here, name) == words_of_here.end()) {
      there.push_back(word);
    } else if (name.size() == word.size()) {
      ++index;  // its value is the next word
    }
  }
  there.push_back(fmt::format("--coordinator={}", coordinator.word()));
  there.insert(there.end(), words.begin() + static_cast<ptrdiff_t>(std::min(index, words.size())),
               words.end());
  return there;
}

std::string line_for_there(const std::vector<std::string>& words) {
  const std::string script =
      fmt::format("PATH=\"$PATH:/opt/murder\" exec murder {}", fleet::quote_words(words));
  return "sh -c " + fleet::quote_word(script);
}

Error run_there(const SshPlace& place, const std::string& ssh_command) {
  Result<std::vector<std::string>> arguments = fleet::ssh_words(ssh_command);
  if (!arguments) {
    return {arguments.error().code, fmt::format("--ssh: {}", arguments.error().text)};
  }
  const auto add = [&](std::initializer_list<std::string> words) {
    arguments->insert(arguments->end(), words);
  };
  if (is_on_terminal()) {
    add({"-t", "-o", "LogLevel=ERROR"});  // ^C and questions go there; without "Connection closed"
  }
  if (!place.port.empty()) {
    add({"-p", place.port});
  }
  std::vector<std::string> words = fleet::own_command_words();
  words.erase(words.begin(), words.begin() + std::min<ptrdiff_t>(1, std::ssize(words)));
  add({place.destination, line_for_there(words_for_there(words, place.coordinator))});
  std::vector<char*> pointers;
  for (std::string& argument : *arguments) {
    pointers.push_back(argument.data());
  }
  pointers.push_back(nullptr);
  // What is ignored here would be ignored there.
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_DFL);
  ::execvp(pointers.front(), pointers.data());
  return fail_errno(errno, fmt::format("cannot start {}", arguments->front())).value();
}

}  // namespace murder::cli
