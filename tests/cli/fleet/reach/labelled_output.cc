#include "cli/fleet/reach/labelled_output.h"

#include <doctest/doctest.h>

#include <array>

namespace murder::fleet {
namespace {

const std::array<std::string, 3> addresses = {"w1", "w2", "fe80::1"};

}  // namespace

TEST_CASE("lines go to the host they are labelled with, however they arrive") {
  LabelledOutput output(addresses, 1000, 1000);
  for (const char character : std::string("w1: a: b\nw2: \nfe80::1: c\nw1: d\n")) {
    output.take_output({&character, 1});
  }
  output.take_log("w2: lo");
  output.take_log("st\nnobody knows\nw9: other\nw2: no newline");
  output.finish();
  CHECK(output.part(0).output.take() == "a: b\nd\n");
  CHECK(output.part(1).output.take() == "\n");
  CHECK(output.part(2).output.take() == "c\n");
  CHECK(output.part(1).log.take() == "lost\nno newline\n");
  CHECK(output.own_log().take() == "nobody knows\nw9: other\n");
}

TEST_CASE("the mark tells the exit status, and the output is as the command wrote it") {
  LabelledOutput output(addresses, 1000, 1000);
  output.take_output("w1: text\nw1: \nw1: murder-exit-status 0\n");
  output.take_output("w2: text\nw2: murder-exit-status 3\n");  // no newline at the end
  output.take_output("fe80::1: \nfe80::1: murder-exit-status 1\n");
  output.finish();
  CHECK(output.part(0).exit_code == 0);
  CHECK(output.part(0).output.take() == "text\n");
  CHECK(output.part(1).exit_code == 3);
  CHECK(output.part(1).output.take() == "text");
  CHECK(output.part(2).exit_code == 1);
  CHECK(output.part(2).output.take().empty());
}

TEST_CASE("clush tells whom it could not reach and who took too long") {
  LabelledOutput output(addresses, 1000, 1000);
  output.take_log("w1: Connection refused\nclush: w[1-2]: exited with exit code 255\n");
  output.take_log("clush: fe80::1: command timeout\nclush: something else\n");
  output.finish();
  CHECK(output.part(0).exit_code == 255);
  CHECK(output.part(1).exit_code == 255);
  CHECK(output.part(2).is_timed_out);
  CHECK(output.own_log().take() == "clush: something else\n");
}

TEST_CASE("a line without an end is not kept whole") {
  LabelledOutput output(addresses, 1000, 1000);
  const std::string part(10'000, 'x');
  for (int count = 0; count < 1000; ++count) {
    output.take_output(part);
  }
  output.finish();
  CHECK(output.own_log().take().size() == 1000);
}

TEST_CASE("a tail keeps the end and tells whether that is all") {
  Tail tail(4);
  tail.append("ab");
  tail.append("cd");
  CHECK_FALSE(tail.is_cut());
  tail.append("e");
  CHECK(tail.is_cut());
  CHECK(tail.take() == "bcde");
  CHECK_FALSE(tail.is_cut());
  tail.append("123456789");
  CHECK(tail.is_cut());
  CHECK(tail.take() == "6789");
}

}  // namespace murder::fleet
