#include "engine/trust/verify_release.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/printable.h"
#include "engine/trust/bounds.h"
#include "engine/trust/openssl.h"
#include "engine/trust/ssh_signature.h"

namespace murder::trust {
namespace {

struct SignatureKey {
  PublicKey key;
  std::optional<Certificate> certificate;
};

Result<SignatureKey> signature_key_of(std::string_view blob) {
  const std::optional<std::string_view> name = WireReader(blob).string();
  if (name && name->ends_with(certificate_suffix)) {
    Result<Certificate> certificate = parse_certificate(blob);
    if (!certificate) {
      return fail(certificate.error());
    }
    return SignatureKey{.key = certificate->key, .certificate = std::move(*certificate)};
  }
  Result<PublicKey> key = parse_public_key(blob);
  if (!key) {
    return fail(key.error());
  }
  return SignatureKey{.key = std::move(*key), .certificate = std::nullopt};
}

std::optional<int64_t> end_of(const AllowedSigner& line,
                              const std::optional<Certificate>& certificate) {
  std::optional<int64_t> end = line.valid_before_s;
  if (certificate && certificate->valid_before_s <= static_cast<uint64_t>(INT64_MAX)) {
    const auto certificate_end = static_cast<int64_t>(certificate->valid_before_s);
    end = std::min(end.value_or(certificate_end), certificate_end);
  }
  return end;
}

struct MadeSignature {
  SshSignature signature;
  SignatureKey made_by;
};

Result<MadeSignature> read_signature(std::string_view blob, std::string_view name_space) {
  Result<SshSignature> signature = parse_ssh_signature(blob);
  if (!signature) {
    return fail(signature.error());
  }
  if (signature->name_space != name_space) {
    return fail(ErrorCode::untrusted,
                fmt::format("it is for {}, not for {}", printable_value(signature->name_space),
                            name_space));
  }
  Result<SignatureKey> made_by = signature_key_of(signature->key);
  if (!made_by) {
    return fail(made_by.error());
  }
  return MadeSignature{.signature = std::move(*signature), .made_by = std::move(*made_by)};
}

Status verify_made(const MadeSignature& made, std::string_view message) {
  const std::optional<Certificate>& certificate = made.made_by.certificate;
  return verify_signature(made.made_by.key, made.signature.signature,
                          signed_data_of(made.signature, message),
                          {.user_verified = certificate && certificate->needs_user_verified});
}

Signer signer_of_key(const SignatureKey& made_by) {
  Signer signer{.fingerprint = fingerprint_of(made_by.key), .key_type = made_by.key.type};
  if (made_by.certificate) {
    signer.key_id = made_by.certificate->key_id;
  }
  return signer;
}

// Who made this signature, if it counts. First whether the key is allowed, which costs nothing.
Result<Signer> signer_of(std::string_view message, std::string_view blob,
                         const AllowedSigners& allowed, const SignatureDemand& demand) {
  const Result<MadeSignature> made = read_signature(blob, demand.name_space);
  if (!made) {
    return fail(made.error());
  }
  const SignerQuestion question{
      .name_space = demand.name_space, .now_s = demand.now_s, .principal = demand.principal};
  const SignatureKey& made_by = made->made_by;
  const Result<FoundSigner> found = made_by.certificate
                                        ? find_signer(allowed, *made_by.certificate, question)
                                        : find_signer(allowed, made_by.key, question);
  if (!found) {
    return fail(found.error());
  }
  if (Status right = verify_made(*made, message); !right) {
    return fail(right.error().code, fmt::format("{}, {}: {}", printable_value(found->principal),
                                                fingerprint_of(made_by.key), right.error().text));
  }
  Signer signer = signer_of_key(made_by);
  signer.principal = found->principal;
  signer.line = found->signer->line;
  signer.until_s = end_of(*found->signer, made_by.certificate);
  return signer;
}

// One key, whatever certifies it, or one name: who has two keys, as while one takes the place of
// the other, is one signer. A name with patterns is that of several, and so may be one that
// certificates of different ids share.
bool is_one_signer(const Signer& one, const Signer& other) {
  const bool is_shared = one.principal.find_first_of("*?") != std::string::npos ||
                         (one.key_id && other.key_id && *one.key_id != *other.key_id);
  return one.fingerprint == other.fingerprint || (one.principal == other.principal && !is_shared);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) {
    all.append(all.empty() ? "" : "; ").append(text);
  }
  return all;
}

tl::unexpected<Error> untrusted(std::string text) {
  return fail(ErrorCode::untrusted, std::move(text));
}

}  // namespace

Result<VerifiedSignatures> verify_signatures(std::string_view message,
                                             const std::vector<std::string>& signatures,
                                             const AllowedSigners& allowed,
                                             const SignatureDemand& demand) {
  if (Status started = start_openssl(); !started) {
    return fail(started.error());
  }
  if (signatures.empty()) {
    return untrusted("it is not signed");
  }
  if (signatures.size() > limits::signatures_max) {
    return untrusted(fmt::format("it has {} signatures: at most {} are read", signatures.size(),
                                 limits::signatures_max));
  }
  VerifiedSignatures verified;
  for (size_t index = 0; index < signatures.size(); ++index) {
    Result<Signer> signer = signer_of(message, signatures[index], allowed, demand);
    if (!signer) {
      verified.ignored.push_back(fmt::format("signature {}: {}", index + 1, signer.error().text));
      continue;
    }
    const auto counted =
        std::find_if(verified.signers.begin(), verified.signers.end(),
                     [&](const Signer& other) { return is_one_signer(other, *signer); });
    if (counted != verified.signers.end()) {
      verified.ignored.push_back(fmt::format("signature {}: {} signed already", index + 1,
                                             counted->fingerprint == signer->fingerprint
                                                 ? signer->fingerprint
                                                 : printable_value(signer->principal)));
    } else {
      verified.signers.push_back(std::move(*signer));
    }
  }
  const uint32_t required = std::max(demand.required, 1U);
  if (verified.signers.size() >= required) {
    return verified;
  }
  const std::string why = joined(verified.ignored);
  if (verified.signers.empty() && required == 1) {
    return untrusted(fmt::format("no trusted key signed it: {}", why));
  }
  return untrusted(fmt::format("{} of {} required keys signed it{}{}", verified.signers.size(),
                               required, why.empty() ? "" : ": ", why));
}

Result<VerifiedRelease> verify_release(const codec::SignedStatement& signed_statement,
                                       const AllowedSigners& allowed, int64_t now_s,
                                       std::optional<std::string_view> principal) {
  if (signed_statement.text.empty()) {
    return untrusted("it is not signed");
  }
  Result<ReleaseStatement> statement = parse_statement(signed_statement.text);
  if (!statement) {
    return untrusted("what is signed is " + statement.error().text);
  }
  Result<VerifiedSignatures> verified =
      verify_signatures(signed_statement.text, signed_statement.signatures, allowed,
                        {.name_space = release_namespace,
                         .now_s = now_s,
                         .required = allowed.required,
                         .principal = principal});
  if (!verified) {
    return fail(verified.error());
  }
  if (statement->expires_s && now_s > *statement->expires_s) {
    return untrusted(fmt::format("it expired at {}: sign it again",
                                 time_text_of(static_cast<uint64_t>(*statement->expires_s))));
  }
  return VerifiedRelease{.statement = std::move(*statement),
                         .signers = std::move(verified->signers),
                         .ignored = std::move(verified->ignored)};
}

Result<Signer> inspect_signature(std::string_view message, std::string_view blob,
                                 std::string_view name_space) {
  if (Status started = start_openssl(); !started) {
    return fail(started.error());
  }
  const Result<MadeSignature> made = read_signature(blob, name_space);
  if (!made) {
    return fail(made.error());
  }
  if (Status right = verify_made(*made, message); !right) {
    return fail(right.error());
  }
  return signer_of_key(made->made_by);
}

Status check_subject(const ReleaseStatement& statement, const ReleaseSubject& subject) {
  if (statement.info_hash != subject.info_hash) {
    return untrusted(fmt::format("what was signed is another torrent: info hash {}, not {}",
                                 statement.info_hash.hex(), subject.info_hash.hex()));
  }
  if (statement.size_bytes != subject.size_bytes) {
    return untrusted(fmt::format("what was signed has {} bytes, the torrent {}",
                                 statement.size_bytes, subject.size_bytes));
  }
  if (subject.tag && statement.tag != *subject.tag) {
    return untrusted(fmt::format("what was signed is named {}, not {}",
                                 printable_value(statement.tag), printable_value(*subject.tag)));
  }
  if (subject.application && statement.application != *subject.application) {
    return untrusted(
        statement.application.empty()
            ? fmt::format("it was signed for no application, and this host takes {} only",
                          printable_value(*subject.application))
            : fmt::format("it was signed for {}, and this host takes {} only",
                          printable_value(statement.application),
                          printable_value(*subject.application)));
  }
  return {};
}

std::string text_of(const Signer& signer) {
  return fmt::format("{} ({} {})", printable_value(signer.principal), name_of(signer.key_type),
                     signer.fingerprint);
}

}  // namespace murder::trust
