// Check of a caller's argument, in release builds too: prints the condition and its place, aborts.
#pragma once

#include <cstdio>
#include <cstdlib>

#define SHALANES_REQUIRE(condition)                                                           \
  do {                                                                                        \
    if (!(condition)) [[unlikely]] {                                                          \
      std::fprintf(stderr, "%s:%d: shalanes requires: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                           \
    }                                                                                         \
  } while (false)
