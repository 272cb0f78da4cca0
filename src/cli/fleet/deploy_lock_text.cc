#include "cli/fleet/deploy_lock_text.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>

#include "cli/fleet/plan/printed_command.h"
#include "cli/fleet/plan/shell_words.h"

namespace murder::fleet {

std::string user_at_host() {
  std::array<char, 256> host{};
  static_cast<void>(gethostname(host.data(), host.size() - 1));
  const passwd* user = getpwuid(getuid());
  return fmt::format("{}@{}", user != nullptr ? user->pw_name : std::to_string(getuid()),
                     host.data());
}

std::string text_of_replacing(const host::DeployLock& holder, bool is_gone) {
  return fmt::format("taking the place of the {} by {} since {}{}", holder.why, holder.owner,
                     holder.since, is_gone ? ", which is gone" : "");
}

std::string text_of_busy(const host::DeployLock& holder, const std::string& host,
                         std::span<const std::string> own_words) {
  return fmt::format(
      "another deploy is at work: {} by {} since {} (lock on {}); wait for it, or take its place: "
      "`{}`",
      holder.why, holder.owner, holder.since, host, same_command_with(own_words, "--take-over"));
}

std::string text_of_foreign_seeder(const std::string& tag, std::span<const std::string> own_words) {
  return fmt::format("{0} is served there already, and not by a deploy: `{1}` ends that", tag,
                     task_command(own_words, "stop-seeding tag=" + quote_word(tag)));
}

}  // namespace murder::fleet
