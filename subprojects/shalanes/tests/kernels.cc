#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "support.h"

using namespace shalanes;

namespace {

// A choice of this kernel and nothing else.
template <typename Algorithm>
Choice<Algorithm> only(const Kernel<Algorithm>& kernel) {
  Choice<Algorithm> choice = choose<Algorithm>("openssl");
  if (kernel.lanes == 1) {
    choice.single = kernel;
  } else {
    choice.kernels[0] = kernel;
    choice.kernel_count = 1;
  }
  return choice;
}

// As many messages of a length as the kernel has lanes, each at an address of its own.
template <typename Algorithm>
void check_length(const Kernel<Algorithm>& kernel, size_t length, Random& random) {
  const std::vector<uint8_t> bytes = random.bytes(kernel.lanes * (length + 1));
  std::vector<Part> parts;
  for (uint32_t lane = 0; lane < kernel.lanes; ++lane) {
    parts.push_back({lane, std::span(bytes).subspan(lane * (length + 1) + lane % 2, length)});
  }
  Streams<Algorithm> streams(kernel.lanes, only(kernel));
  streams.advance(parts);
  for (const Part& part : parts) {
    CAPTURE(kernel.family);
    CAPTURE(kernel.lanes);
    CAPTURE(length);
    CHECK(streams.digest(part.stream) == openssl_digest<Algorithm>(part.bytes));
  }
}

}  // namespace

TEST_CASE_TEMPLATE(
    "every kernel of this processor agrees with OpenSSL on every length up to four blocks",
    Algorithm, ALGORITHMS) {
  Random random(1);
  std::string names = "kernels of this processor:";
  for (const Kernel<Algorithm>& kernel : possible_kernels<Algorithm>()) {
    for (size_t length = 0; length <= 4 * Algorithm::block_bytes + 1; ++length) {
      check_length(kernel, length, random);
    }
    names.append(" ").append(kernel.family).append("/").append(std::to_string(kernel.lanes));
  }
  MESSAGE(names);
}

TEST_CASE_TEMPLATE("every kernel of this processor agrees with OpenSSL on long messages", Algorithm,
                   ALGORITHMS) {
  Random random(2);
  for (const Kernel<Algorithm>& kernel : possible_kernels<Algorithm>()) {
    for (int round = 0; round < 20; ++round) {
      check_length(kernel, random.below(100'000), random);
    }
  }
}

TEST_CASE_TEMPLATE("a state can pass from any kernel to any other", Algorithm, ALGORITHMS) {
  Random random(3);
  const std::vector<Kernel<Algorithm>> kernels = possible_kernels<Algorithm>();
  constexpr size_t step_count = 40;
  constexpr size_t message_bytes = step_count * Algorithm::block_bytes;
  const std::vector<uint8_t> bytes = random.bytes(lanes_max * message_bytes);
  std::array<typename Algorithm::State, lanes_max> states;
  states.fill(Algorithm::initial_state);
  for (size_t number = 0; number < step_count; ++number) {
    std::array<const uint8_t*, lanes_max> inputs{};
    for (size_t lane = 0; lane < lanes_max; ++lane) {
      inputs[lane] = bytes.data() + lane * message_bytes + number * Algorithm::block_bytes;
    }
    const Kernel<Algorithm>& kernel = kernels[random.below(kernels.size())];
    for (size_t lane = 0; lane < lanes_max; lane += kernel.lanes) {
      kernel.advance(&states[lane], &inputs[lane], 1);
    }
  }
  const Kernel<Algorithm> single = choose<Algorithm>("openssl").single;
  for (size_t lane = 0; lane < lanes_max; ++lane) {
    typename Algorithm::State expected = Algorithm::initial_state;
    const uint8_t* input = bytes.data() + lane * message_bytes;
    single.advance(&expected, &input, step_count);
    CHECK(states[lane] == expected);
  }
}

TEST_CASE_TEMPLATE("one message is hashed as by OpenSSL, whatever the choice", Algorithm,
                   ALGORITHMS) {
  Random random(4);
  for (const Choice<Algorithm>& choice : possible_choices<Algorithm>()) {
    for (size_t length = 0; length <= 3 * Algorithm::block_bytes; ++length) {
      const std::vector<uint8_t> message = random.bytes(length);
      CHECK(hash(choice, message) == openssl_digest<Algorithm>(message));
    }
    const std::vector<uint8_t> message = random.bytes(1'000'003);
    CHECK(hash(choice, message) == openssl_digest<Algorithm>(message));
  }
}
