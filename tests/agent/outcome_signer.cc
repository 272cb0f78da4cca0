#include "agent/outcome_signer.h"

#include <doctest/doctest.h>

#include "engine/trust/signature_file.h"

using namespace murder;
using namespace murder::agent;
using control::KeptAgent;
using control::KeptApp;
using control::Phase;
using control::Reason;
using Kind = trust::OutcomeStatement::Kind;

namespace {

InfoHash signed_release(uint8_t number) {
  InfoHash hash;
  hash.bytes[0] = number;
  return hash;
}

struct SignerBench {
  SignerBench() { kept.apps = {KeptApp{.app = "shop"}}; }
  void ask(uint64_t attempt, uint8_t release) {
    control::Wanted wanted;
    wanted.apps = {{.app = "shop", .release = signed_release(release), .attempt = attempt}};
    signer.see_wanted(wanted);
  }
  KeptApp& app() { return kept.apps.front(); }
  // The one that is signed now; nothing: none is.
  std::optional<trust::OutcomeStatement> due() {
    const std::vector<std::string> texts = signer.take_due(kept, 1'800'000'000);
    if (texts.empty()) {
      return std::nullopt;
    }
    const auto file = trust::parse_signature_file(texts.front());
    REQUIRE(file);
    CHECK(trust::verify_text(key.public_key, trust::outcome_namespace, file->text,
                             file->signatures.front()));
    return trust::parse_outcome(file->text).value();
  }
  trust::AgentKey key = trust::agent_key_of({}).value();
  KeptAgent kept;
  OutcomeSigner signer{key, "w1"};
};

}  // namespace

TEST_CASE("an outcome is signed once, when it is known") {
  SignerBench bench;
  CHECK_FALSE(bench.due());
  bench.ask(7, 2);
  CHECK_FALSE(bench.due());
  bench.app().attempt = 7;
  bench.app().active = {.info_hash = signed_release(2), .serial = 2};
  bench.app().phase = Phase::checking;
  CHECK_FALSE(bench.due());
  bench.app().phase = Phase::idle;
  bench.app().is_healthy = true;
  const auto outcome = bench.due();
  REQUIRE(outcome);
  CHECK(outcome->kind == Kind::healthy);
  CHECK(outcome->host == "w1");
  CHECK(outcome->attempt == 7);
  CHECK(outcome->info_hash == signed_release(2));
  CHECK_FALSE(bench.due());
  CHECK(bench.signer.latest().size() == 1);
  bench.ask(7, 2);
  CHECK_FALSE(bench.due());
}

TEST_CASE("what failed says why, and whether the host went back by itself") {
  SignerBench bench;
  bench.ask(7, 2);
  bench.app().failure = Reason::fetch;
  bench.app().failed_attempt = 7;
  CHECK(bench.due()->kind == Kind::failed);
  bench.ask(9, 3);
  CHECK_FALSE(bench.due());  // that was of the attempt before
  bench.app().attempt = bench.app().failed_attempt = 9;
  bench.app().failure = Reason::health;
  bench.app().active = {.info_hash = signed_release(1), .serial = 1};
  bench.app().phase = Phase::returning;
  CHECK_FALSE(bench.due());
  bench.app().phase = Phase::idle;
  const auto outcome = bench.due();
  REQUIRE(outcome);
  CHECK(outcome->kind == Kind::returned);
  CHECK(outcome->reason == "health");
  CHECK(outcome->info_hash == signed_release(3));
}
