#include "families.h"
#include "kernels/sha1_kernels.h"

namespace shalanes {
namespace {

constexpr Family<Sha1> sha1_families[] = {{"avx512", sha1_kernels_avx512},
                                          {"sha-ni", sha1_kernels_sha_ni},
                                          {"armv8", sha1_kernels_armv8},
                                          {"avx2", sha1_kernels_avx2}};

}  // namespace

template <>
std::span<const Family<Sha1>> families<Sha1>() {
  return sha1_families;
}

}  // namespace shalanes
