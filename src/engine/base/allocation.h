// The end that `new` has where there is no memory, for what the C library and others allocate.
#pragma once

#include <cstdlib>
#include <new>

namespace murder {

// Without the memory that was asked for the process ends as its new handler has it.
inline void require_memory(bool has_memory) {
  if (has_memory) {
    return;
  }
  if (const std::new_handler handler = std::get_new_handler(); handler != nullptr) {
    handler();
  }
  std::abort();
}

}  // namespace murder
