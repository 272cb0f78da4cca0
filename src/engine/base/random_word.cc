#include "engine/base/random_word.h"

#include <sys/random.h>

#include <array>
#include <bit>
#include <cerrno>

#include "engine/base/ensure.h"

namespace murder {
namespace {

constexpr size_t whole_bytes_max = 256;  // getrandom(2)

}  // namespace

Result<uint64_t> random_word() {
  std::array<uint8_t, sizeof(uint64_t)> bytes{};
  const Status filled = fill_random(bytes);
  return filled ? Result<uint64_t>(std::bit_cast<uint64_t>(bytes)) : fail(filled.error());
}

Status fill_random(std::span<uint8_t> bytes) {
  ENSURE(bytes.size() <= whole_bytes_max);
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return fail_errno(errno, "cannot get random bytes from the kernel");
  }
  return {};
}

}  // namespace murder
