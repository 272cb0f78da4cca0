// What a deploy says of locks: its own, and those of others. Texts for people.
#pragma once

#include <span>
#include <string>

#include "engine/host/deploy_locks.h"

namespace murder::fleet {

// Who deploys: "alice@laptop".
[[nodiscard]] std::string user_at_host();

// `is_gone`: the process of that deploy is not there any more.
[[nodiscard]] std::string text_of_replacing(const host::DeployLock& holder, bool is_gone);
// `host`: where the lock is.
[[nodiscard]] std::string text_of_busy(const host::DeployLock& holder, const std::string& host,
                                       std::span<const std::string> own_words);
[[nodiscard]] std::string text_of_foreign_seeder(const std::string& tag,
                                                 std::span<const std::string> own_words);

}  // namespace murder::fleet
