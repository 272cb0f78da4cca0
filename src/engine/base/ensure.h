// Always-on check for our own mistakes: prints the condition and its place, then aborts.
// Input from a peer, a tracker, a file or a user must never reach an ENSURE unchecked.
#pragma once

namespace murder {

[[noreturn]] void ensure_failed(const char* condition, const char* file, int line);

}  // namespace murder

#define ENSURE(condition)                                      \
  do {                                                         \
    if (!(condition)) [[unlikely]] {                           \
      ::murder::ensure_failed(#condition, __FILE__, __LINE__); \
    }                                                          \
  } while (false)
