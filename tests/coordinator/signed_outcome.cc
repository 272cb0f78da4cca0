#include "coordinator/signed_outcome.h"

#include <doctest/doctest.h>

#include "engine/trust/agent_key.h"
#include "engine/trust/outcome.h"
#include "engine/trust/signature_file.h"

using namespace murder;
using namespace murder::coordinator;

TEST_CASE("a signed outcome is taken of the host that it names, by that host's key") {
  const trust::AgentKey key = trust::agent_key_of({}).value();
  const trust::AgentKey other = trust::agent_key_of({1}).value();
  const std::string text = trust::encode_outcome({.host = "w1",
                                                  .application = "shop",
                                                  .info_hash = {},
                                                  .attempt = 7,
                                                  .kind = trust::OutcomeStatement::Kind::returned,
                                                  .reason = "health",
                                                  .time_s = 5});
  const auto file_of = [&](const trust::AgentKey& by, std::string_view name_space) {
    return trust::encode_signature_file(
        {.text = text, .signatures = {trust::sign_text(by, name_space, text).value()}});
  };
  const std::string identity = trust::fingerprint_of(key.public_key);
  const std::string right = file_of(key, trust::outcome_namespace);
  const auto outcome = read_signed_outcome(right, "w1", identity);
  REQUIRE(outcome);
  CHECK(outcome->app == "shop");
  CHECK(outcome->attempt == 7);
  CHECK(outcome->kind == control::OutcomeKind::returned);
  CHECK_FALSE(read_signed_outcome(right, "w2", identity));
  CHECK_FALSE(read_signed_outcome(right, "w1", trust::fingerprint_of(other.public_key)));
  CHECK_FALSE(read_signed_outcome(file_of(key, trust::agent_namespace), "w1", identity));
  CHECK_FALSE(read_signed_outcome(file_of(other, trust::outcome_namespace), "w1", identity));
  CHECK_FALSE(read_signed_outcome(text, "w1", identity));
  CHECK_FALSE(read_signed_outcome("", "w1", identity));
}
