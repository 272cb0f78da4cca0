// Asking the processor for memory ahead of its use: what is worth it only where more is walked
// through than its caches hold.
#pragma once

#include <cstddef>

namespace murder {

inline constexpr size_t cache_line_bytes = 64;

inline void fetch(const void* address) {
  __builtin_prefetch(address);
}

// All of the bytes from one member of an object up to another.
inline void fetch_lines(const void* first, const void* end) {
  for (const char* line = static_cast<const char*>(first); line < end; line += cache_line_bytes) {
    fetch(line);
  }
}

}  // namespace murder
