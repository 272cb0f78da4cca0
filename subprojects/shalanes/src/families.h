// What an algorithm gives to the code that is the same for all: its families of kernels.
#pragma once

#include <span>
#include <string_view>

#include "shalanes/shalanes.h"

namespace shalanes {

// OpenSSL's has one lane, runs on any processor, and is what the others are compared with.
inline constexpr std::string_view openssl_family = "openssl";

template <typename Algorithm>
struct Family {
  std::string_view name;
  // Most lanes first; empty on a processor that cannot run them.
  std::span<const Kernel<Algorithm>> (*kernels)();
};

// Fastest first, without OpenSSL's.
template <typename Algorithm>
std::span<const Family<Algorithm>> families();

template <typename Algorithm>
Kernel<Algorithm> openssl_kernel();

template <>
std::span<const Family<Sha1>> families<Sha1>();
template <>
Kernel<Sha1> openssl_kernel<Sha1>();

}  // namespace shalanes
