#include <doctest/doctest.h>

#include <cerrno>

#include "engine/io/kernel_features.h"

using namespace murder;
using namespace murder::io;

TEST_CASE("the error for a ring that is switched off names the sysctl and what to run") {
  const Error error = ring_setup_error(EPERM, "2");
  CHECK(error.code == ErrorCode::permission);
  CHECK(error.text.find("kernel.io_uring_disabled = 2") != std::string::npos);
  CHECK(error.text.find("sysctl kernel.io_uring_disabled=0") != std::string::npos);
}

TEST_CASE("the error for a ring that is refused although the sysctl allows it names seccomp") {
  const Error error = ring_setup_error(EPERM, "0");
  CHECK(error.code == ErrorCode::permission);
  CHECK(error.text.find("seccomp") != std::string::npos);
}

TEST_CASE("each errno of the set-up gives its own advice") {
  CHECK(ring_setup_error(ENOSYS, "").code == ErrorCode::unsupported);
  CHECK(ring_setup_error(EINVAL, "").text.find("6.1") != std::string::npos);
  CHECK(ring_setup_error(ENOMEM, "").text.find("ulimit -l") != std::string::npos);
  CHECK(ring_setup_error(EMFILE, "").text.find("ulimit -n") != std::string::npos);
}

TEST_CASE("the features of this kernel are found") {
  const Result<KernelFeatures> features = probe_kernel_features();
  REQUIRE(features);
  CHECK(features->kernel_at_least(5, 0));
  CHECK(features->wait_timeout);
  CHECK(features->buffer_ring);
  CHECK(features->splice);
}

TEST_CASE("kernel versions compare by major, then by minor") {
  KernelFeatures features;
  features.kernel_major = 6;
  features.kernel_minor = 3;
  CHECK(features.kernel_at_least(6, 3));
  CHECK(features.kernel_at_least(5, 19));
  CHECK_FALSE(features.kernel_at_least(6, 4));
  CHECK_FALSE(features.kernel_at_least(7, 0));
}
