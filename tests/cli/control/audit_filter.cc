#include "cli/control/audit_filter.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "cli/control/audit_tags.h"

namespace murder::cli {
namespace {

constexpr std::array<std::string_view, 7> records = {
    R"({"number":1,"at":10,"record":"agent","host":"w1"})",
    R"({"number":2,"at":20,"record":"release","app":"shop","tag":"v1","release_number":1})",
    R"({"number":3,"at":30,"record":"release","app":"blog","tag":"v1","release_number":1})",
    R"({"number":4,"at":40,"record":"rollout","app":"shop","release":1,"rollout":4})",
    R"({"number":5,"at":50,"record":"told","app":"shop","host":"w1","back":false,"before":0})",
    R"({"number":6,"at":60,"record":"outcome","app":"shop","host":"w2","stage":"healthy"})",
    R"({"number":7,"at":70,"record":"revoked","app":"blog","release_number":1})"};

std::string numbers(const AuditFilter& filter) {
  AuditTags tags;
  std::string text;
  for (const std::string_view line : records) {
    const Json record = parse_json(line).value();
    static_cast<void>(tags.named(record));
    if (is_asked_for(filter, record, tags.tag_of_subject(record))) {
      text += std::to_string(count_member(record, "number"));
    }
  }
  return text;
}

}  // namespace

TEST_CASE("records are chosen by app, release, host and time, and by all of them together") {
  CHECK(numbers({}) == "1234567");
  CHECK(numbers({.app = "shop"}) == "2456");
  CHECK(numbers({.host = "w1"}) == "15");
  CHECK(numbers({.tag = "v1"}) == "234567");
  CHECK(numbers({.app = "blog", .tag = "v1"}) == "37");
  CHECK(numbers({.tag = "v2"}).empty());
  CHECK(numbers({.since_s = 50}) == "567");
  CHECK(numbers({.app = "shop", .host = "w1", .since_s = 50}) == "5");
}

}  // namespace murder::cli
