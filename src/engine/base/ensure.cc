#include "engine/base/ensure.h"

#include <cstdio>
#include <cstdlib>

namespace murder {

void ensure_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "murder: internal error: %s does not hold at %s:%d\n", condition, file,
               line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace murder
