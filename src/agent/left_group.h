// The process group of a hook, remembered on the disk: an agent that was killed leaves its hook
// running, and the next agent ends it before it begins again. A process is known by its number and
// by when it began, so that no other one is ever ended. Blocks: small files.
#pragma once

#include <string>

namespace murder::agent {

void note_group(const std::string& path, int pid);
void forget_group(const std::string& path);
// True: it was there, and is ended.
bool end_left_group(const std::string& path);

}  // namespace murder::agent
