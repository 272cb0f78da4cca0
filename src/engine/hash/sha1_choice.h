// Which SHA-1 kernels this process uses: what the CPU does best, or what MURDER_SHA1 names.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/hash/kernels/sha1_kernel.h"

namespace murder::hash {

// Whether a wish for a family of kernels was met.
enum class Sha1Wish : uint8_t { none, met, unavailable, unknown };

// The SHA-1 kernels of this process, most lanes first; what is left over is hashed one by one.
struct Sha1Choice {
  static constexpr size_t kernels_max = 4;

  std::string_view name;  // the family of the first kernel: "avx512", "openssl"
  std::array<Sha1Kernel, kernels_max> kernels;  // of two lanes or more
  size_t kernel_count = 0;
  Sha1Kernel single;  // of one lane, so a state can pass from one kernel to another; OpenSSL's if
                      // the family has none
  Sha1Wish wish = Sha1Wish::none;

  // How many inputs at once gain something, and how many gain the most. 1: none.
  [[nodiscard]] uint32_t lanes_min() const {
    return kernel_count > 0 ? kernels[kernel_count - 1].lanes : 1;
  }
  [[nodiscard]] uint32_t lanes_best() const { return kernel_count > 0 ? kernels[0].lanes : 1; }
};

// What this CPU does best, or what `wanted` names if the CPU has it ("": no wish; a wish that
// cannot be met is as none, but for `wish`). A kernel that does not agree with OpenSSL on a trial
// is left out.
[[nodiscard]] Sha1Choice choose_sha1(std::string_view wanted);

// The choice of this process: by the environment variable MURDER_SHA1, made when first asked for.
[[nodiscard]] const Sha1Choice& sha1_choice();

// All families there are, and those that this CPU has: "avx512, sha-ni, avx2, openssl".
[[nodiscard]] std::string known_sha1_families();
[[nodiscard]] std::string available_sha1_families();

// "avx512 (16), sha-ni (4, 2, 1 at once)"
[[nodiscard]] std::string describe(const Sha1Choice& choice);

// Advances a state by whole blocks with OpenSSL, on any CPU.
[[nodiscard]] Sha1Kernel sha1_kernel_openssl();

}  // namespace murder::hash
