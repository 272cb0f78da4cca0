// Commands that messages print for the user to run: with the words that he used, so that they work
// as they stand. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace murder::fleet {

// The same command and these words.
[[nodiscard]] std::string same_command_with(std::span<const std::string> own_words,
                                            std::string_view more);

// `murder fleet TASK WORDS` with what the own command line says of hosts and of how they are
// reached. `hosts`: a node set that takes the place of its --host and --hosts; empty: as they were.
[[nodiscard]] std::string task_command(std::span<const std::string> own_words,
                                       std::string_view task, std::string_view hosts = "");

}  // namespace murder::fleet
