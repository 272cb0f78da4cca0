#include "cli/control/audit_proofs.h"

#include <doctest/doctest.h>

#include "engine/trust/agent_key.h"
#include "engine/trust/outcome.h"
#include "engine/trust/signature_file.h"

namespace murder::cli {
namespace {

trust::AgentKey audit_key(uint8_t number) {
  trust::Secret seed{};
  seed[0] = number;
  return trust::agent_key_of(seed).value();
}

using Kind = trust::OutcomeStatement::Kind;

InfoHash audit_hash(uint8_t release) {
  InfoHash info_hash;
  info_hash.bytes.fill(release);
  return info_hash;
}

// What an agent of w1 signed, and what the log says of it.
struct Signed {
  uint64_t attempt = 7;
  uint8_t release = 2;
  Kind kind = Kind::healthy;
};
Json proven_by(const trust::AgentKey& key, Signed what = {}) {
  const std::string text =
      trust::encode_outcome({.host = "w1",
                             .application = "shop",
                             .info_hash = audit_hash(what.release),
                             .attempt = what.attempt,
                             .kind = what.kind,
                             .reason = what.kind == Kind::healthy ? "" : "health",
                             .time_s = 5});
  const std::string blob = trust::sign_text(key, trust::outcome_namespace, text).value();
  return {{"record", "proven"},
          {"app", "shop"},
          {"host", "w1"},
          {"attempt", what.attempt},
          {"outcome", trust::name_of(what.kind)},
          {"signed", trust::encode_signature_file({.text = text, .signatures = {blob}})}};
}

Json with(Json record, const char* member, const Json& value) {
  record[member] = value;
  return record;
}

Json seen(const std::string& host, const trust::AgentKey& key) {
  return {{"record", "agent"}, {"host", host}, {"identity", trust::fingerprint_of(key.public_key)}};
}

Json outcome_of(const std::string& host, const char* stage = "healthy") {
  return {{"record", "outcome"}, {"app", "shop"}, {"host", host}, {"stage", stage}};
}

Json told(uint64_t number, bool back) {
  return {{"number", number}, {"record", "told"}, {"app", "shop"},
          {"host", "w1"},     {"back", back},     {"before", back ? 0 : 1}};
}

// w1 has the first key; of the releases 1 and 2 the second is rolled out, by record 5.
AuditProofs begun() {
  AuditProofs proofs;
  CHECK_FALSE(proofs.verify(seen("w1", audit_key(1))));
  for (const uint8_t release : {uint8_t{1}, uint8_t{2}}) {
    CHECK_FALSE(proofs.verify({{"record", "release"},
                               {"app", "shop"},
                               {"release_number", release},
                               {"info_hash", audit_hash(release).hex()}}));
  }
  CHECK_FALSE(
      proofs.verify({{"record", "rollout"}, {"app", "shop"}, {"release", 2}, {"rollout", 5}}));
  CHECK_FALSE(proofs.verify(told(7, false)));
  return proofs;
}

}  // namespace

TEST_CASE("an outcome in the log is right if the key that has the host's name signed it") {
  AuditProofs proofs = begun();
  CHECK(proofs.verify(proven_by(audit_key(1))) == "");
  CHECK_FALSE(proofs.verify(outcome_of("w1")));
  CHECK(proofs.verified_count() == 1);
  CHECK(proofs.unsigned_count() == 0);
  CHECK_FALSE(proofs.verify(outcome_of("w2")));
  CHECK(proofs.unsigned_count() == 1);
}

TEST_CASE("what another key signed, or another attempt, host or text, is not right") {
  AuditProofs proofs = begun();
  static_cast<void>(proofs.verify(seen("w2", audit_key(1))));
  const Json right = proven_by(audit_key(1));
  CHECK(proofs.verify(proven_by(audit_key(2))) != "");
  CHECK(proofs.verify(with(right, "attempt", 8)) != "");
  CHECK(proofs.verify(with(right, "host", "w2")) != "");
  CHECK(proofs.verify(with(right, "app", "bank")) != "");
  std::string text = text_member(right, "signed");
  text.replace(text.find("healthy"), 7, "healthx");
  CHECK(proofs.verify(with(right, "signed", text)) != "");
  CHECK(proofs.verify(with(right, "signed", "murder")) != "");
  CHECK(proofs.false_count() == 6);
  CHECK(proofs.verified_count() == 0);
  // Nobody has the name.
  AuditProofs others;
  CHECK(others.verify(right) != "");
  // The host was made anew.
  static_cast<void>(proofs.verify(seen("w1", audit_key(2))));
  CHECK(proofs.verify(proven_by(audit_key(2))) == "");
}

TEST_CASE("a log that says another outcome than the host signed is not right") {
  AuditProofs proofs = begun();
  const Json failed = proven_by(audit_key(1), {.kind = Kind::failed});
  CHECK(proofs.verify(with(failed, "outcome", "healthy")) == "what is signed is that it is failed");
  CHECK(proofs.verify(failed) == "");
  CHECK(proofs.unsigned_count() == 0);
  static_cast<void>(proofs.verify(outcome_of("w1", "failed")));
  CHECK(proofs.unsigned_count() == 0);
  // That it is well was signed by nobody.
  static_cast<void>(proofs.verify(outcome_of("w1", "healthy")));
  CHECK(proofs.unsigned_count() == 1);
}

TEST_CASE("a log that asked the host for another release than it signed for is not right") {
  AuditProofs proofs = begun();
  CHECK(proofs.verify(proven_by(audit_key(1), {.release = 1})) != "");
  CHECK(proofs.verify(proven_by(audit_key(1), {.attempt = 4})) != "");  // of the rollout before
  CHECK(proofs.verify(proven_by(audit_key(1), {.release = 3})) != "");
  CHECK(proofs.verify(proven_by(audit_key(1))) == "");
  // Back to what it ran before.
  static_cast<void>(
      proofs.verify({{"number", 9}, {"record", "state"}, {"app", "shop"}, {"state", "undoing"}}));
  static_cast<void>(proofs.verify(told(10, true)));
  CHECK(proofs.verify(proven_by(audit_key(1), {.attempt = 10})) != "");
  CHECK(proofs.verify(proven_by(audit_key(1), {.attempt = 10, .release = 1})) == "");
  static_cast<void>(proofs.verify(outcome_of("w1", "back-done")));
  CHECK(proofs.unsigned_count() == 0);
}

TEST_CASE("an outcome of an earlier attempt, or rollout, proves none of a later one") {
  AuditProofs proofs = begun();
  CHECK(proofs.verify(proven_by(audit_key(1))) == "");
  SUBCASE("it is asked again") {
    static_cast<void>(proofs.verify(outcome_of("w1", "waiting")));
  }
  SUBCASE("it is told again") {
    static_cast<void>(proofs.verify(told(8, false)));
  }
  SUBCASE("another rollout") {
    static_cast<void>(
        proofs.verify({{"record", "rollout"}, {"app", "shop"}, {"release", 1}, {"rollout", 8}}));
  }
  static_cast<void>(proofs.verify(outcome_of("w1")));
  CHECK(proofs.unsigned_count() == 1);
}

TEST_CASE("what is signed is shown by what it says and who signed it") {
  const std::string text = text_member(proven_by(audit_key(1)), "signed");
  CHECK(signed_summary(text) == "by " + trust::fingerprint_of(audit_key(1).public_key));
  CHECK(signed_summary("any\nlines") == "any");
}

}  // namespace murder::cli
