// `murder __complete WORD...`: prints what may stand for the last word, for the scripts of bash,
// zsh and fish. Words are as the shell has them, with their quotes.
//
// Each line is "WORD<tab>DESCRIPTION", or says what the shell is to offer besides:
// ":files<tab>BEFORE<tab>VALUE", and the same with :directories, :torrents, :users. BEFORE is what
// stands in front of the value in its word.
//
// Never fails, writes nothing to standard error, and ends within a bound of time.
#pragma once

#include <string>
#include <vector>

namespace murder::cli {

[[nodiscard]] int run_complete(std::vector<std::string> words);

}  // namespace murder::cli
