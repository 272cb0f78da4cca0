#include "coordinator/signed_outcome.h"

#include "engine/trust/outcome.h"
#include "engine/trust/public_key.h"
#include "engine/trust/signature_file.h"
#include "engine/trust/ssh_signature.h"

namespace murder::coordinator {

std::optional<SignedOutcome> read_signed_outcome(std::string_view text, std::string_view host,
                                                 std::string_view identity) {
  const Result<codec::SignedStatement> file = trust::parse_signature_file(text);
  if (!file || file->signatures.size() != 1) {
    return std::nullopt;
  }
  const Result<trust::OutcomeStatement> outcome = trust::parse_outcome(file->text);
  const Result<trust::SshSignature> signature =
      trust::parse_ssh_signature(file->signatures.front());
  const Result<trust::PublicKey> key =
      signature ? trust::parse_public_key(signature->key) : fail(signature.error());
  if (!outcome || !key || outcome->host != host ||
      signature->name_space != trust::outcome_namespace ||
      trust::fingerprint_of(*key) != identity) {
    return std::nullopt;
  }
  return SignedOutcome{.app = outcome->application,
                       .attempt = outcome->attempt,
                       .kind = static_cast<control::OutcomeKind>(outcome->kind)};
}

}  // namespace murder::coordinator
