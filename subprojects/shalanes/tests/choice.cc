#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "support.h"
#include "trial.h"

using namespace shalanes;

TEST_CASE_TEMPLATE(
    "a family that is wished for is taken alone when the CPU has it, else the best one is",
    Algorithm, ALGORITHMS) {
  const std::string available = available_families<Algorithm>();
  const auto best = choose<Algorithm>();
  CHECK(best.wish == Wish::none);
  for (const std::string& name : family_names<Algorithm>()) {
    const auto choice = choose<Algorithm>(name);
    const bool is_available = available.find(name) != std::string::npos;
    CHECK(choice.wish == (is_available ? Wish::met : Wish::unavailable));
    CHECK(choice.family == (is_available ? name : best.family));
    CHECK((choice.kernel_count == 0) == (choice.family == "openssl"));
  }
}

TEST_CASE_TEMPLATE("every family whose kernels this CPU runs is available", Algorithm, ALGORITHMS) {
  const std::string available = available_families<Algorithm>();
  for (const Family<Algorithm>& family : families<Algorithm>()) {
    const std::span<const Kernel<Algorithm>> kernels = family.kernels();
    CHECK(kernels.empty() == (available.find(family.name) == std::string::npos));
    const auto choice = choose<Algorithm>(family.name);
    for (const Kernel<Algorithm>& kernel : kernels) {
      const auto chosen = std::span(choice.kernels).first(choice.kernel_count);
      CHECK((choice.single.advance == kernel.advance ||
             std::any_of(chosen.begin(), chosen.end(), [&](const Kernel<Algorithm>& each) {
               return each.advance == kernel.advance;
             })));
    }
  }
}

TEST_CASE_TEMPLATE("a kernel that computes something else fails its trial, in whichever lane",
                   Algorithm, ALGORITHMS) {
  static uint32_t wrong_lane;
  Kernel<Algorithm> kernel{.family = "wrong", .lanes = 4};
  kernel.advance = [](typename Algorithm::State* states, const uint8_t* const* inputs,
                      size_t block_count) {
    for (uint32_t lane = 0; lane < 4; ++lane) {
      openssl_kernel<Algorithm>().advance(states + lane, inputs + lane, block_count);
      states[lane].back() ^= lane == wrong_lane ? 1U : 0U;
    }
  };
  for (wrong_lane = 0; wrong_lane < 4; ++wrong_lane) {
    CHECK_FALSE(is_right(kernel));
  }
  CHECK(is_right(kernel));
}

TEST_CASE("the families of SHA-1") {
  CHECK(known_families<Sha1>() == "avx512, sha-ni, armv8, avx2, openssl");
}

TEST_CASE_TEMPLATE("a name that is no family is told from one that this CPU lacks", Algorithm,
                   ALGORITHMS) {
  CHECK(choose<Algorithm>("avx9").wish == Wish::unknown);
  CHECK(choose<Algorithm>("AVX2").wish == Wish::unknown);
  CHECK(choose<Algorithm>("avx9").family == choose<Algorithm>().family);
}

TEST_CASE_TEMPLATE("the wish may be in the environment", Algorithm, ALGORITHMS) {
  constexpr const char* variable = "SHALANES_TEST_WISH";
  REQUIRE(unsetenv(variable) == 0);
  CHECK(choose_by_environment<Algorithm>(variable).wish == Wish::none);
  REQUIRE(setenv(variable, "", 1) == 0);
  CHECK(choose_by_environment<Algorithm>(variable).wish == Wish::none);
  REQUIRE(setenv(variable, "openssl", 1) == 0);
  CHECK(choose_by_environment<Algorithm>(variable).wish == Wish::met);
  CHECK(choose_by_environment<Algorithm>(variable).family == "openssl");
  REQUIRE(setenv(variable, "avx9", 1) == 0);
  CHECK(choose_by_environment<Algorithm>(variable).wish == Wish::unknown);
  REQUIRE(unsetenv(variable) == 0);
}

TEST_CASE_TEMPLATE("every choice has kernels of fewer and fewer lanes, and a last one of one",
                   Algorithm, ALGORITHMS) {
  for (const auto& choice : possible_choices<Algorithm>()) {
    for (size_t index = 0; index < choice.kernel_count; ++index) {
      CHECK(choice.kernels[index].lanes > 1);
      CHECK(choice.kernels[index].lanes <
            (index == 0 ? lanes_max + 1 : choice.kernels[index - 1].lanes));
    }
    CHECK(choice.lanes_best() >= choice.lanes_min());
    CHECK(choice.single.lanes == 1);
  }
}

TEST_CASE("what a choice is described by names each family with its lanes") {
  const Kernel<Sha1> wide{.family = "wide", .lanes = 16};
  const Kernel<Sha1> four{.family = "narrow", .lanes = 4};
  const Kernel<Sha1> one{.family = "narrow", .lanes = 1};
  CHECK(describe<Sha1>(
            {.family = "wide", .kernels = {wide, four}, .kernel_count = 2, .single = one}) ==
        "wide (16), narrow (4, 1 at once)");
  CHECK(describe(choose<Sha1>("openssl")) == "openssl (1 at once)");
}
