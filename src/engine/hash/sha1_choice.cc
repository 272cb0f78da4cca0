#include "engine/hash/sha1_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "engine/hash/hash_lanes.h"
#include "engine/hash/sha1.h"

namespace murder::hash {
namespace {

struct Family {
  std::string_view name;
  std::span<const Sha1Kernel> (*kernels)();
};

// Fastest first.
constexpr Family families[] = {{"avx512", sha1_kernels_avx512},
                               {"sha-ni", sha1_kernels_sha_ni},
                               {"armv8", sha1_kernels_armv8},
                               {"avx2", sha1_kernels_avx2}};
constexpr std::string_view openssl = "openssl";

// Whether it computes SHA-1 here: an emulator or a hypervisor may have masked what it needs.
bool is_right(const Sha1Kernel& kernel) {
  constexpr size_t trial_bytes = 3 * sha1_block_bytes + 5;
  std::vector<uint8_t> bytes(trial_bytes * kernel.lanes);
  for (size_t index = 0; index < bytes.size(); ++index) {
    bytes[index] = static_cast<uint8_t>(index * 167 + (index >> 8U));
  }
  std::vector<std::span<const uint8_t>> inputs;
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    inputs.push_back(std::span(bytes).subspan(lane * trial_bytes, trial_bytes));
  }
  std::vector<Sha1Digest> digests(kernel.lanes);
  hash_lanes(kernel, inputs, digests);
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    if (!(digests[lane] == sha1(inputs[lane]))) {
      return false;
    }
  }
  return true;
}

void add(Sha1Choice& choice, const Family& family) {
  for (const Sha1Kernel& kernel : family.kernels()) {
    if (!is_right(kernel)) {
      continue;
    }
    if (kernel.lanes == 1) {
      choice.single = kernel;
    } else if (choice.kernel_count < Sha1Choice::kernels_max) {
      choice.kernels[choice.kernel_count++] = kernel;
      choice.name = choice.kernel_count == 1 ? family.name : choice.name;
    }
  }
}

Sha1Choice choose_best() {
  Sha1Choice choice{.name = openssl, .kernels = {}, .single = sha1_kernel_openssl()};
  for (const Family& family : families) {
    // Another family is for what is too few for the lanes of the one before.
    if (choice.kernel_count == 0 || choice.lanes_min() > sha1_lanes_max / 2) {
      add(choice, family);
    }
  }
  return choice;
}

std::string joined(std::string list, std::string_view word) {
  return list.empty() ? std::string(word) : fmt::format("{}, {}", list, word);
}

}  // namespace

Sha1Choice choose_sha1(std::string_view wanted) {
  Sha1Choice choice{.name = openssl, .kernels = {}, .single = sha1_kernel_openssl()};
  choice.wish = Sha1Wish::met;
  if (wanted == openssl) {
    return choice;
  }
  const auto* family = std::find_if(std::begin(families), std::end(families),
                                    [&](const Family& each) { return each.name == wanted; });
  if (family != std::end(families)) {
    add(choice, *family);
    if (choice.kernel_count > 0) {
      return choice;
    }
  }
  choice = choose_best();
  if (!wanted.empty()) {
    choice.wish = family == std::end(families) ? Sha1Wish::unknown : Sha1Wish::unavailable;
  }
  return choice;
}

const Sha1Choice& sha1_choice() {
  static const Sha1Choice choice = [] {
    const char* wanted = std::getenv("MURDER_SHA1");
    return choose_sha1(wanted == nullptr ? "" : wanted);
  }();
  return choice;
}

std::string known_sha1_families() {
  std::string list;
  for (const Family& family : families) {
    list = joined(std::move(list), family.name);
  }
  return joined(std::move(list), openssl);
}

std::string available_sha1_families() {
  std::string list;
  for (const Family& family : families) {
    if (choose_sha1(family.name).wish == Sha1Wish::met) {
      list = joined(std::move(list), family.name);
    }
  }
  return joined(std::move(list), openssl);
}

std::string describe(const Sha1Choice& choice) {
  std::string text;
  std::string_view family;
  for (size_t index = 0; index <= choice.kernel_count; ++index) {
    const Sha1Kernel& kernel = index < choice.kernel_count ? choice.kernels[index] : choice.single;
    if (kernel.name == family) {
      text += fmt::format(", {}", kernel.lanes);
      continue;
    }
    text += text.empty() ? "" : "), ";
    text += fmt::format("{} ({}", kernel.name, kernel.lanes);
    family = kernel.name;
  }
  return text + (text.empty() ? "" : " at once)");
}

}  // namespace murder::hash
