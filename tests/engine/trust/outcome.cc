#include "engine/trust/outcome.h"

#include <doctest/doctest.h>

#include <string>

using namespace murder;
using namespace murder::trust;

namespace {

constexpr std::string_view whole =
    "murder-outcome 1\n"
    "host web7\n"
    "application shop\n"
    "info-hash 7c2f0c4d7a0a9f6d2f2a1f6f5c8e0b3a4d5e6f70\n"
    "attempt 17\n"
    "outcome failed\n"
    "reason health\n"
    "time 2026-11-29T16:31:12Z\n";

bool is_read(std::string_view from, std::string_view to) {
  std::string text(whole);
  REQUIRE(text.find(from) != std::string::npos);
  const std::string changed = text.replace(text.find(from), from.size(), to);
  const Result<OutcomeStatement> outcome = parse_outcome(changed);
  return outcome && encode_outcome(*outcome) == changed;
}

}  // namespace

TEST_CASE("an outcome is read, and written as it was") {
  const Result<OutcomeStatement> outcome = parse_outcome(whole);
  REQUIRE(outcome);
  CHECK(outcome->host == "web7");
  CHECK(outcome->application == "shop");
  CHECK(outcome->attempt == 17);
  CHECK(outcome->kind == OutcomeStatement::Kind::failed);
  CHECK(outcome->reason == "health");
  CHECK(outcome->time_s == 1795969872);
  CHECK(encode_outcome(*outcome) == whole);
  CHECK(is_read("outcome failed", "outcome returned"));
  CHECK(is_read("outcome failed\nreason health", "outcome healthy"));
}

TEST_CASE("an outcome has one spelling, and a reason where it is a bad one") {
  CHECK_FALSE(is_read("outcome failed", "outcome healthy"));
  CHECK_FALSE(is_read("reason health\n", ""));
  CHECK_FALSE(is_read("reason health", "reason it was ill"));
  CHECK_FALSE(is_read("outcome failed", "outcome done"));
  CHECK_FALSE(is_read("attempt 17", "attempt -1"));
  CHECK_FALSE(is_read("attempt 17", "attempt 017"));
  CHECK_FALSE(is_read("host web7", "host web 7"));
  CHECK_FALSE(is_read("host web7\n", ""));
  CHECK_FALSE(is_read("murder-outcome 1", "murder-outcome 2"));
  CHECK_FALSE(is_read("12Z\n", "12Z\n\n"));
  CHECK_FALSE(is_read("12Z\n", "12Z"));
}

TEST_CASE("an agent signs its outcome, and nobody else can have done so") {
  const AgentKey key = *agent_key_of(Secret{1});
  const AgentKey other = *agent_key_of(Secret{2});
  const std::string blob = *sign_text(key, outcome_namespace, whole);
  CHECK(verify_text(key.public_key, outcome_namespace, whole, blob));
  CHECK_FALSE(verify_text(other.public_key, outcome_namespace, whole, blob));
  CHECK_FALSE(verify_text(key.public_key, agent_namespace, whole, blob));
  CHECK_FALSE(verify_text(key.public_key, outcome_namespace, std::string(whole) + "x", blob));
}
