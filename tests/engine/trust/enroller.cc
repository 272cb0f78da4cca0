#include "engine/trust/enroller.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/trust/host_proof.h"
#include "engine/trust/key_line.h"
#include "engine/trust/signature_file.h"

using namespace murder;
using namespace murder::trust;

namespace {

constexpr int64_t now_s = 1795969872;

const AgentKey& agent() {
  static const AgentKey key = *agent_key_of(Secret{1});
  return key;
}

const AgentKey& host_key() {
  static const AgentKey key = *agent_key_of(Secret{2});
  return key;
}

std::string own_identity() {
  return fingerprint_of(agent().public_key);
}

AgentClaim claim_of(std::string_view proof = {}, std::optional<std::string_view> owner = {}) {
  return {.host = "web7", .key = &agent().public_key, .host_proof = proof, .owner = owner};
}

std::string proof_for(const std::string& host) {
  return encode_signature_file(
      *sign_host_statement({.host = host, .key = agent().public_key, .time_s = now_s}, host_key()));
}

}  // namespace

TEST_CASE("who has its name already comes in by its key alone, and nobody else with that name") {
  const std::string identity = own_identity();
  for (const EnrolMode mode : {EnrolMode::tofu, EnrolMode::approve, EnrolMode::known_hosts}) {
    Enroller enroller(mode);
    CHECK(enroller.admit(claim_of({}, identity), now_s));
    const Status other = enroller.admit(claim_of({}, "SHA256:another"), now_s);
    REQUIRE_FALSE(other);
    CHECK(other.error().code == ErrorCode::conflict);
    CHECK(other.error().text.find("murder agents forget web7") != std::string::npos);
    CHECK(enroller.approvals().waiting().empty());
  }
}

TEST_CASE("a name that nobody has is the first one's, or an operator's to give") {
  CHECK(Enroller(EnrolMode::tofu).admit(claim_of(), now_s));
  Enroller enroller(EnrolMode::approve);
  const Status waits = enroller.admit(claim_of(), now_s);
  REQUIRE_FALSE(waits);
  CHECK(waits.error().code == ErrorCode::permission);
  CHECK(waits.error().text.find("murder agents approve web7 --key " + own_identity()) !=
        std::string::npos);
  REQUIRE(enroller.approvals().approve("web7", own_identity()));
  CHECK(enroller.admit(claim_of(), now_s));
}

TEST_CASE("a host that is known comes in by the signature of its ssh key") {
  Enroller enroller(EnrolMode::known_hosts);
  CHECK_FALSE(enroller.admit(claim_of(proof_for("web7")), now_s));
  enroller.set_known_hosts(
      *KnownHosts::parse("web7,web8 " + key_line_of(host_key().public_key) + "\n"));
  CHECK(enroller.admit(claim_of(proof_for("web7")), now_s));
  const auto why = [&](std::string_view proof) {
    return enroller.admit(claim_of(proof), now_s).error().text;
  };
  CHECK(why("") == "web7 is not known, and brings no signature of its ssh key");
  CHECK(why(proof_for("web8")).find("is about web8") != std::string::npos);
  CHECK(why("nothing of the kind").find("not a file of signatures") != std::string::npos);
  enroller.set_known_hosts(*KnownHosts::parse(""));
  CHECK_FALSE(enroller.admit(claim_of(proof_for("web7")), now_s));
}
