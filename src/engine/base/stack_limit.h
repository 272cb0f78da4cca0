// Room on the stack where the environment left little of it (`ulimit -s 64`).
#pragma once

#include "engine/base/result.h"

namespace murder {

// To be called at the start of main, before any thread: raises the soft limit of the stack to 1 MiB
// where it is lower (the kernel looks at it when the stack grows), and gives new threads at least
// as much, whose default the C library takes from the limit at the start of the process. Error: the
// hard limit is lower than 256 KiB and not ours to raise.
[[nodiscard]] Status make_room_on_stack();

}  // namespace murder
