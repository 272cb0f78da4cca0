#include "engine/hash/piece_hasher.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/hash/sha1_end.h"

namespace murder::hash {
namespace {

// As many inputs of one length as the kernel has lanes.
void hash_lanes(const Sha1Kernel& kernel, std::span<const std::span<const uint8_t>> inputs,
                std::span<Sha1Digest> out) {
  std::array<Sha1State, sha1_lanes_max> states;
  states.fill(sha1_initial_state);
  std::array<const uint8_t*, sha1_lanes_max> places{};
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    places[lane] = inputs[lane].data();
  }
  kernel.advance(states.data(), places.data(), inputs[0].size() / sha1_block_bytes);
  std::array<std::array<uint8_t, 2 * sha1_block_bytes>, sha1_lanes_max> ends;
  size_t block_count = 0;
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    const size_t rest_bytes = inputs[lane].size() % sha1_block_bytes;
    const MessageEnd end(inputs[lane].last(rest_bytes), inputs[lane].size());
    ends[lane] = end.bytes;
    block_count = end.block_count;
    places[lane] = ends[lane].data();
  }
  kernel.advance(states.data(), places.data(), block_count);
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    out[lane] = digest_of(states[lane]);
  }
}

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

void add(Sha1Choice& choice, std::string_view family, std::span<const Sha1Kernel> kernels) {
  for (const Sha1Kernel& kernel : kernels) {
    if (!is_right(kernel)) {
      continue;
    }
    if (kernel.lanes == 1) {
      choice.single = kernel;
    } else if (choice.kernel_count < Sha1Choice::kernels_max) {
      choice.kernels[choice.kernel_count++] = kernel;
      choice.name = choice.kernel_count == 1 ? family : choice.name;
    }
  }
}

}  // namespace

Sha1Choice choose_sha1(std::string_view wanted) {
  Sha1Choice choice{.name = "openssl", .kernels = {}, .single = {}};
  if (wanted == "avx2") {
    add(choice, "avx2", sha1_kernels_avx2());
  } else if (wanted == "avx512") {
    add(choice, "avx512", sha1_kernels_avx512());
  } else if (wanted == "sha-ni") {
    add(choice, "sha-ni", sha1_kernels_sha_ni());
  } else if (wanted != "openssl") {
    add(choice, "avx512", sha1_kernels_avx512());
    add(choice, "sha-ni", sha1_kernels_sha_ni());  // what is too few for sixteen lanes
    if (choice.kernel_count == 0) {
      add(choice, "avx2", sha1_kernels_avx2());
    }
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

void PieceHasher::hash_batch(std::span<const std::span<const uint8_t>> inputs,
                             std::span<Sha1Digest> out) {
  ENSURE(inputs.size() == out.size());
  while (!inputs.empty()) {
    const size_t bytes = inputs.front().size();
    const auto end = std::find_if(inputs.begin(), inputs.end(),
                                  [bytes](const auto& input) { return input.size() != bytes; });
    const auto count = static_cast<size_t>(end - inputs.begin());
    hash_equals(inputs.first(count), out.first(count));
    inputs = inputs.subspan(count);
    out = out.subspan(count);
  }
}

void PieceHasher::hash_equals(std::span<const std::span<const uint8_t>> inputs,
                              std::span<Sha1Digest> out) {
  size_t at = 0;
  for (size_t index = 0; index < choice_.kernel_count; ++index) {
    const Sha1Kernel& kernel = choice_.kernels[index];
    while (inputs.size() - at >= kernel.lanes) {
      hash_lanes(kernel, inputs.subspan(at, kernel.lanes), out.subspan(at, kernel.lanes));
      at += kernel.lanes;
    }
  }
  for (; at < inputs.size(); ++at) {
    stream_.update(inputs[at]);
    out[at] = stream_.finish();
  }
}

}  // namespace murder::hash
