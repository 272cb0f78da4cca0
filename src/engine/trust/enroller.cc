#include "engine/trust/enroller.h"

#include <fmt/format.h>

#include "engine/base/printable.h"
#include "engine/trust/host_proof.h"
#include "engine/trust/signature_file.h"

namespace murder::trust {

Status Enroller::admit(const AgentClaim& claim, int64_t now_s) {
  const std::string identity = fingerprint_of(*claim.key);
  const std::string host = printable_value(claim.host);
  if (claim.owner == identity) {
    return {};
  }
  if (claim.owner) {
    return fail(
        ErrorCode::conflict,
        fmt::format("the name {} belongs to an agent with another key ({}), not to this one "
                    "({}): `murder agents forget {}` frees it",
                    host, printable_value(*claim.owner), identity, host));
  }
  switch (mode_) {
    case EnrolMode::tofu:
      return {};
    case EnrolMode::approve:
      if (approvals_.come(claim.host, identity)) {
        return {};
      }
      return fail(ErrorCode::permission,
                  fmt::format("{} waits to be let in: `murder agents approve {} --key {}`, if that "
                              "is its key",
                              host, host, identity));
    case EnrolMode::known_hosts:
      return check_known(claim, now_s);
  }
  return fail(ErrorCode::unsupported, "no way to enrol agents");
}

Status Enroller::check_known(const AgentClaim& claim, int64_t now_s) const {
  if (!known_) {
    return fail(ErrorCode::untrusted, "the coordinator could not read its known hosts");
  }
  if (claim.host_proof.empty()) {
    return fail(ErrorCode::untrusted,
                fmt::format("{} is not known, and brings no signature of its ssh key",
                            printable_value(claim.host)));
  }
  const Result<codec::SignedStatement> proof = parse_signature_file(claim.host_proof);
  if (!proof) {
    return fail(ErrorCode::untrusted, proof.error().text);
  }
  return verify_host_proof(*proof, *known_,
                           {.host = claim.host, .agent_key = claim.key, .now_s = now_s});
}

}  // namespace murder::trust
