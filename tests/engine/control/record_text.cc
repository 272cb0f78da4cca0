#include <doctest/doctest.h>

#include <string>

#include "engine/control/bounds.h"
#include "engine/control/record.h"

using namespace murder;
using namespace murder::control;

namespace {

const InfoHash record_hash = InfoHash::from_hex("00112233445566778899aabbccddeeff00112233").value();

std::vector<Record> one_of_each() {
  Plan plan;
  plan.groups = {"web", "eu"};
  plan.waves = parse_waves("1,10%").value();
  plan.on_failure = OnFailure::rollback;
  plan.begin_wall_s = 1'800'000'000;
  return {
      {.wall_s = 5, .what = Started{.origin = UINT64_MAX, .term = 2}},
      {.what = AgentSeen{.host = "w1", .identity = "k", .groups = {"web"}, .apps = {"shop"}}},
      {.by = "olga", .what = AgentForgotten{.host = "w1"}},
      {.by = "olga",
       .what = ReleasePublished{.app = "shop",
                                .tag = "v\xc3\xa4\"1",
                                .number = ReleaseNumber{1},
                                .info_hash = record_hash,
                                .serial = 7}},
      {.by = "olga", .what = ReleaseRevoked{.app = "shop", .number = ReleaseNumber{1}}},
      {.what =
           RolloutStarted{.app = "shop", .release = ReleaseNumber{1}, .number = 6, .plan = plan}},
      {.what = WaveBegun{.app = "shop", .wave = 1}},
      {.what = Told{.app = "shop", .host = "w1", .back = true, .before = ReleaseNumber{3}}},
      {.what = Outcome{.app = "shop",
                       .host = "w1",
                       .stage = Stage::back_failed,
                       .reason = Reason::nothing_before,
                       .text = "\\x1b it hurts"}},
      {.what = StateChanged{.app = "shop", .state = RolloutState::undone, .why = "so"}},
      {.what = SnapshotBegun{.origin = 1, .term = 2, .sequence = 3, .record_count = 4}},
      {.what = TargetKept{.app = "shop",
                          .host = "w1",
                          .stage = Stage::told,
                          .attempt = 9,
                          .tells = 2,
                          .touched = true}},
      {.by = "olga",
       .what = OrderGiven{.app = "shop",
                          .use = OrderUse::back,
                          .release = ReleaseNumber{1},
                          .serial = 7,
                          .text = {"murder-order 1\norder return\n"}}},
      {.what = OutcomeProven{.app = "shop",
                             .host = "w1",
                             .attempt = 9,
                             .outcome = OutcomeKind::returned,
                             .text = {"murder-outcome 1\n"}}},
      {.by = "olga", .what = AgentApproved{.host = "w1", .identity = "SHA256:k"}},
  };
}

bool reads(const std::string& text) {
  return parse_record(text).has_value();
}

}  // namespace

TEST_CASE("each kind of record is read as it was written") {
  for (const Record& record : one_of_each()) {
    const std::string text = text_of(record);
    INFO(text);
    const Result<Record> again = parse_record(text);
    REQUIRE(again.has_value());
    CHECK(again->what.index() == record.what.index());
    CHECK(text_of(*again) == text);
    CHECK(text.find('\n') == std::string::npos);
  }
  const Result<Record> rollout = parse_record(text_of(one_of_each()[5]));
  CHECK(std::get<RolloutStarted>(rollout->what).plan ==
        std::get<RolloutStarted>(one_of_each()[5].what).plan);
}

TEST_CASE("a record is a line that people and other programs can read") {
  CHECK(text_of({.wall_s = 5, .by = "olga", .what = AgentForgotten{.host = "w1"}}) ==
        R"({"record":"forgotten","at":5,"by":"olga","host":"w1"})");
}

TEST_CASE("what is not exactly a record is refused") {
  const std::string good = R"({"record":"wave","at":5,"by":"","app":"shop","wave":1})";
  REQUIRE(reads(good));
  for (const char* bad : {
           "",
           "{}",
           "[]",
           "1",
           R"({"record":"wave"})",
           R"({"record":"wave","at":5,"by":"","app":"shop"})",
           R"({"record":"wave","at":5,"by":"","app":"shop","wave":1,"more":1})",
           R"({"record":"wave","at":5,"by":"","app":"shop","wave":-1})",
           R"({"record":"wave","at":5,"by":"","app":"shop","wave":"1"})",
           R"({"record":"wave","at":5,"by":"","app":"shop","wave":1.0})",
           R"({"record":"wave","at":5,"by":"","app":"shop","wave":4294967296})",
           R"({"record":"wave","at":-5,"by":"","app":"shop","wave":1})",
           R"({"record":"wave","at":5,"by":null,"app":"shop","wave":1})",
           R"({"record":"wave","at":5,"by":"","app":7,"wave":1})",
           R"({"record":"wave","at":5,"by":"","app":"a\u001bb","wave":1})",
           R"({"record":"Wave","at":5,"by":"","app":"shop","wave":1})",
           R"({"at":5,"by":"","app":"shop","wave":1})",
           R"({"record":"outcome","at":5,"by":"","app":"a","host":"h","stage":"x",)"
           R"("reason":"none","text":""})",
           R"({"record":"wave","at":5,"by":"","app":"shop","wave":1} )"
           "x",
       }) {
    INFO(bad);
    CHECK_FALSE(reads(bad));
  }
}

TEST_CASE("an error says what is wrong and shows the record without steering a terminal") {
  const auto error = parse_record("{\"record\":\"wave\",\x1b\"at\":5}");
  REQUIRE_FALSE(error.has_value());
  CHECK(error.error().text.find('\x1b') == std::string::npos);
  CHECK(parse_record(R"({"record":"wave","at":5,"by":"","app":"shop"})")
            .error()
            .text.find("wave is missing") != std::string::npos);
}

TEST_CASE("a record is bounded") {
  const auto with_text = [](size_t size) {
    return R"({"record":"state","at":5,"by":"","app":"a","state":"held","why":")" +
           std::string(size, 'y') + "\"}";
  };
  CHECK(reads(with_text(limits::control_text_bytes_max)));
  CHECK_FALSE(reads(with_text(1000)));
  CHECK_FALSE(reads(with_text(limits::control_record_bytes_max)));
  std::string groups = R"({"record":"agent","at":5,"by":"","host":"h","identity":"k","rack":"",)"
                       R"("apps":[],"groups":[)";
  for (int count = 0; count < 33; ++count) {
    groups += count == 0 ? "\"g\"" : ",\"g\"";
  }
  CHECK_FALSE(reads(groups + "]}"));
}
