// What the tests share. They are templates of the algorithm: a further one is one more type in
// ALGORITHMS and one more openssl_digest.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "families.h"
#include "shalanes/shalanes.h"

#define ALGORITHMS shalanes::Sha1

namespace shalanes {

// By the interface that applications use, which shares nothing with the kernel of that name.
template <typename Algorithm>
typename Algorithm::Digest openssl_digest(std::span<const uint8_t> message);
template <>
Sha1::Digest openssl_digest<Sha1>(std::span<const uint8_t> message);

// splitmix64 (Steele, Lea and Flood 2014): the same numbers in every run.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t mixed = state_ += 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31U);
  }
  size_t below(size_t bound) { return static_cast<size_t>(next() % bound); }
  std::vector<uint8_t> bytes(size_t size);

 private:
  uint64_t state_;
};

template <typename Algorithm>
std::vector<std::string> family_names() {
  std::vector<std::string> names;
  const std::string list = known_families<Algorithm>();
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find(", ", at), list.size());
    names.push_back(list.substr(at, end - at));
    at = end + 2;
  }
  return names;
}

// The best, and each family of this processor alone; OpenSSL's is always among them.
template <typename Algorithm>
std::vector<Choice<Algorithm>> possible_choices() {
  std::vector<Choice<Algorithm>> found = {choose<Algorithm>()};
  for (const std::string& name : family_names<Algorithm>()) {
    if (const auto choice = choose<Algorithm>(name); choice.wish == Wish::met) {
      found.push_back(choice);
    }
  }
  return found;
}

// Each kernel of this processor, also one that choose() leaves out because it is wrong.
template <typename Algorithm>
std::vector<Kernel<Algorithm>> possible_kernels() {
  std::vector<Kernel<Algorithm>> found = {openssl_kernel<Algorithm>()};
  for (const Family<Algorithm>& family : families<Algorithm>()) {
    const std::span<const Kernel<Algorithm>> kernels = family.kernels();
    found.insert(found.end(), kernels.begin(), kernels.end());
  }
  return found;
}

}  // namespace shalanes
