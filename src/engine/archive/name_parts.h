// The names that a path of an archive's entry goes through.
#pragma once

#include <deque>
#include <string>
#include <string_view>

namespace murder::archive {

// Puts the parts of a path in front, but "."; false, and nothing is put there, when it may lead out
// of a tree.
[[nodiscard]] bool put_parts_in_front(std::string_view path, std::deque<std::string>& parts);

}  // namespace murder::archive
