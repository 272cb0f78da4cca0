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

// What an agent of w1 signed of attempt 7, and what the log says of it.
Json proven_by(const trust::AgentKey& key, uint64_t attempt = 7, const std::string& host = "w1") {
  const std::string text = trust::encode_outcome({.host = "w1",
                                                  .application = "shop",
                                                  .info_hash = {},
                                                  .attempt = 7,
                                                  .kind = trust::OutcomeStatement::Kind::healthy,
                                                  .reason = {},
                                                  .time_s = 5});
  const std::string blob = trust::sign_text(key, trust::outcome_namespace, text).value();
  return {{"record", "proven"},
          {"app", "shop"},
          {"host", host},
          {"attempt", attempt},
          {"signed", trust::encode_signature_file({.text = text, .signatures = {blob}})}};
}

Json seen(const std::string& host, const trust::AgentKey& key) {
  return {{"record", "agent"}, {"host", host}, {"identity", trust::fingerprint_of(key.public_key)}};
}

Json outcome_of(const std::string& host) {
  return {{"record", "outcome"}, {"app", "shop"}, {"host", host}, {"stage", "healthy"}};
}

}  // namespace

TEST_CASE("an outcome in the log is right if the key that has the host's name signed it") {
  AuditProofs proofs;
  CHECK_FALSE(proofs.verify(seen("w1", audit_key(1))));
  CHECK(proofs.verify(proven_by(audit_key(1))) == "");
  CHECK_FALSE(proofs.verify(outcome_of("w1")));
  CHECK(proofs.verified_count() == 1);
  CHECK(proofs.unsigned_count() == 0);
  CHECK_FALSE(proofs.verify(outcome_of("w2")));
  CHECK(proofs.unsigned_count() == 1);
}

TEST_CASE("what another key signed, or another attempt, host or text, is not right") {
  AuditProofs proofs;
  CHECK(proofs.verify(proven_by(audit_key(1))) != "");  // nobody has the name
  static_cast<void>(proofs.verify(seen("w1", audit_key(1))));
  static_cast<void>(proofs.verify(seen("w2", audit_key(1))));
  CHECK(proofs.verify(proven_by(audit_key(2))) != "");
  CHECK(proofs.verify(proven_by(audit_key(1), 8)) != "");
  CHECK(proofs.verify(proven_by(audit_key(1), 7, "w2")) != "");
  Json changed = proven_by(audit_key(1));
  std::string text = text_member(changed, "signed");
  text.replace(text.find("healthy"), 7, "healthx");
  changed["signed"] = text;
  CHECK(proofs.verify(changed) != "");
  changed["signed"] = "murder";
  CHECK(proofs.verify(changed) != "");
  CHECK(proofs.false_count() == 6);
  CHECK(proofs.verified_count() == 0);
  // The host was made anew.
  static_cast<void>(proofs.verify(seen("w1", audit_key(2))));
  CHECK(proofs.verify(proven_by(audit_key(2))) == "");
}

TEST_CASE("what is signed is shown by what it says and who signed it") {
  const std::string text = text_member(proven_by(audit_key(1)), "signed");
  CHECK(signed_summary(text) == "by " + trust::fingerprint_of(audit_key(1).public_key));
  CHECK(signed_summary("any\nlines") == "any");
}

}  // namespace murder::cli
