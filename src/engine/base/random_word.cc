#include "engine/base/random_word.h"

#include <sys/random.h>

#include <cerrno>

namespace murder {

Result<uint64_t> random_word() {
  uint64_t word = 0;
  if (getrandom(&word, sizeof word, 0) != static_cast<ssize_t>(sizeof word)) {
    return fail_errno(errno, "cannot get random bytes from the kernel");
  }
  return word;
}

}  // namespace murder
