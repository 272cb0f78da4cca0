#include "engine/trust/enrolment.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/trust/bounds.h"

using namespace murder;
using namespace murder::trust;

TEST_CASE("ways to enrol are read as --enrol has them") {
  CHECK(parse_enrolment("tofu")->mode == EnrolMode::tofu);
  CHECK(parse_enrolment("approve")->mode == EnrolMode::approve);
  const Result<Enrolment> known = parse_enrolment("known_hosts:/etc/ssh/ssh_known_hosts");
  REQUIRE(known);
  CHECK(known->mode == EnrolMode::known_hosts);
  CHECK(known->known_hosts_path == "/etc/ssh/ssh_known_hosts");
  for (const std::string_view wrong : {"", "known_hosts", "known_hosts:", "TOFU", "approve:x"}) {
    CHECK_FALSE(parse_enrolment(wrong));
  }
}

TEST_CASE("an agent waits until an operator approves its key, and then comes once") {
  Approvals approvals;
  CHECK_FALSE(approvals.come("web7", "SHA256:a"));
  CHECK_FALSE(approvals.come("web7", "SHA256:a"));
  CHECK(approvals.waiting().size() == 1);
  CHECK(approvals.approve("web8", "").error().code == ErrorCode::not_found);
  CHECK(approvals.approve("web7", "SHA256:b").error().code == ErrorCode::not_found);
  CHECK(approvals.approve("web7", "").value() == "SHA256:a");
  CHECK(approvals.waiting().empty());
  CHECK_FALSE(approvals.come("web7", "SHA256:b"));
  CHECK(approvals.come("web7", "SHA256:a"));
  CHECK_FALSE(approvals.come("web7", "SHA256:a"));
}

TEST_CASE("of two keys for one name the operator has to say which") {
  Approvals approvals;
  CHECK_FALSE(approvals.come("web7", "SHA256:a"));
  CHECK_FALSE(approvals.come("web7", "SHA256:b"));
  CHECK(approvals.approve("web7", "").error().code == ErrorCode::conflict);
  CHECK(approvals.approve("web7", "SHA256:b"));
  CHECK(approvals.come("web7", "SHA256:b"));
  CHECK_FALSE(approvals.come("web7", "SHA256:a"));
}

TEST_CASE("those that wait are bounded, and who keeps coming is not forgotten") {
  Approvals approvals;
  CHECK_FALSE(approvals.come("web7", "SHA256:a"));
  CHECK_FALSE(approvals.come("web8", "SHA256:b"));
  REQUIRE(approvals.approve("web8", ""));
  for (size_t number = 0; number < limits::enrolments_waiting_max; ++number) {
    CHECK_FALSE(approvals.come("x" + std::to_string(number), "SHA256:x"));
    if (number % 1000 == 0) {
      CHECK_FALSE(approvals.come("web7", "SHA256:a"));
    }
  }
  CHECK(approvals.waiting().size() == limits::enrolments_waiting_max - 1);
  CHECK(approvals.approve("web7", ""));
  CHECK(approvals.come("web8", "SHA256:b"));
}
