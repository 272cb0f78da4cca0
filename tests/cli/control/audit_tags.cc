#include "cli/control/audit_tags.h"

#include <doctest/doctest.h>

#include <string_view>

namespace murder::cli {
namespace {

std::string with_tags(AuditTags& tags, std::string_view record) {
  return json_text(tags.named(parse_json(record).value()));
}

constexpr std::string_view told_record =
    R"({"number":9,"record":"told","app":"shop","host":"w1","back":false,"before":1})";

}  // namespace

TEST_CASE("records name releases by the tags of the records before") {
  AuditTags tags;
  CHECK(with_tags(tags, told_record) == told_record);  // nothing is known yet
  for (const char* release :
       {R"({"number":1,"record":"release","app":"shop","tag":"v1","release_number":1})",
        R"({"number":2,"record":"release","app":"blog","tag":"b2","release_number":2})",
        R"({"number":3,"record":"release","app":"shop","tag":"v2","release_number":2})"}) {
    CHECK(with_tags(tags, release) == release);
  }
  CHECK(
      with_tags(tags, R"({"number":4,"record":"rollout","app":"shop","release":2,"rollout":4})") ==
      R"({"number":4,"record":"rollout","app":"shop","tag":"v2","rollout":4})");
  CHECK(with_tags(tags, told_record) ==
        R"({"number":9,"record":"told","app":"shop","host":"w1","back":false,"before":"v1",)"
        R"("tag":"v2"})");
  CHECK(with_tags(tags, R"({"record":"told","app":"shop","host":"w1","back":true,"before":1})") ==
        R"({"record":"told","app":"shop","host":"w1","back":true,"before":"v1"})");
  CHECK(with_tags(tags, R"({"record":"revoked","app":"shop","release_number":1})") ==
        R"({"record":"revoked","app":"shop","tag":"v1"})");
  CHECK(with_tags(tags, R"({"record":"revoked","app":"shop","release_number":7})") ==
        R"({"record":"revoked","app":"shop","release_number":7})");
}

TEST_CASE("records of another shape stay as they are") {
  AuditTags tags;
  for (const char* record : {"{}", R"({"record":7,"app":[],"before":"x"})",
                             R"({"record":"rollout","release":{}})", R"({"record":"told"})"}) {
    CHECK(with_tags(tags, record) == record);
  }
}

}  // namespace murder::cli
