#include "cli/hidden_commands.h"

#include "cli/commands/completion/complete_command.h"
#include "cli/commands/manual/write_manual.h"

namespace murder::cli {

std::optional<int> run_hidden_command(const std::vector<std::string>& words,
                                      std::string_view version) {
  const std::string_view name = words.empty() ? "" : std::string_view(words.front());
  if (name == "__complete") {
    return run_complete({words.begin() + 1, words.end()});
  }
  if (name == "__manual") {
    return run_write_manual({words.begin() + 1, words.end()}, version);
  }
  return std::nullopt;
}

}  // namespace murder::cli
