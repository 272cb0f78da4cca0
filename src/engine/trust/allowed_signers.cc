#include "engine/trust/allowed_signers.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/printable.h"
#include "engine/trust/pattern.h"

namespace murder::trust {
namespace {

// A name that the list allows: a pattern matches itself, be it with '*' in it. nullopt when it
// excludes all that it allows.
std::optional<std::string> some_principal_of(std::string_view patterns) {
  const std::string_view all = patterns;
  while (!patterns.empty()) {
    const std::string_view pattern = patterns.substr(0, patterns.find(','));
    if (!pattern.starts_with('!') && matches_pattern_list(pattern, all)) {
      return std::string(pattern);
    }
    patterns.remove_prefix(std::min(pattern.size() + 1, patterns.size()));
  }
  return std::nullopt;
}

// Options of the line that preclude it. nullopt: none.
std::optional<std::string> objection_of(const AllowedSigner& signer,
                                        const SignerQuestion& question) {
  if (signer.namespaces && !matches_pattern_list(question.name_space, *signer.namespaces)) {
    return fmt::format("is allowed to sign for {} only, not for {}",
                       printable_value(*signer.namespaces), question.name_space);
  }
  if (signer.valid_after_s && question.now_s < *signer.valid_after_s) {
    return fmt::format("is not allowed before {}",
                       time_text_of(static_cast<uint64_t>(*signer.valid_after_s)));
  }
  if (signer.valid_before_s && question.now_s > *signer.valid_before_s) {
    return fmt::format("was allowed until {}",
                       time_text_of(static_cast<uint64_t>(*signer.valid_before_s)));
  }
  return std::nullopt;
}

std::string key_text_of(const PublicKey& key) {
  return fmt::format("{} ({})", fingerprint_of(key), name_of(key.type));
}

tl::unexpected<Error> not_allowed(const PublicKey& key, std::string_view why) {
  return fail(ErrorCode::untrusted, fmt::format("its key {} {}", key_text_of(key), why));
}

}  // namespace

Result<FoundSigner> find_signer(const AllowedSigners& allowed, const PublicKey& key,
                                const SignerQuestion& question) {
  std::string why = "is not in the list of allowed signers";
  for (const AllowedSigner& signer : allowed.signers) {
    if (!(signer.key == key)) {
      continue;
    }
    if (signer.is_authority) {
      why = fmt::format("is allowed to sign certificates only (line {})", signer.line);
      continue;
    }
    const std::optional<std::string> principal =
        !question.principal ? some_principal_of(signer.principals)
        : matches_pattern_list(*question.principal, signer.principals)
            ? std::optional(std::string(*question.principal))
            : std::nullopt;
    if (!principal) {
      why = fmt::format("is not allowed to sign as {} (line {})",
                        question.principal ? printable_value(*question.principal) : "anybody",
                        signer.line);
      continue;
    }
    if (const std::optional<std::string> objection = objection_of(signer, question)) {
      why = fmt::format("{} (line {})", *objection, signer.line);
      continue;
    }
    return FoundSigner{.signer = &signer, .principal = *principal};
  }
  return not_allowed(key, why);
}

Result<FoundSigner> find_signer(const AllowedSigners& allowed, const Certificate& certificate,
                                const SignerQuestion& question) {
  std::string why = fmt::format("is certified by {}, which is not an allowed authority",
                                key_text_of(certificate.authority));
  std::optional<Status> holds;
  for (const AllowedSigner& signer : allowed.signers) {
    if (!signer.is_authority || !(signer.key == certificate.authority)) {
      continue;
    }
    if (!holds) {
      holds = verify_certificate(certificate, question.now_s);
    }
    if (!*holds) {
      return fail(holds->error());
    }
    const auto principal = std::find_if(
        certificate.principals.begin(), certificate.principals.end(), [&](const std::string& each) {
          return (!question.principal || *question.principal == each) &&
                 matches_pattern_list(each, signer.principals);
        });
    if (principal == certificate.principals.end()) {
      why = fmt::format("is certified for {}, which line {} does not allow",
                        printable_value(certificate.principals.front()), signer.line);
      continue;
    }
    if (const std::optional<std::string> objection = objection_of(signer, question)) {
      why = fmt::format("is certified by one that {} (line {})", *objection, signer.line);
      continue;
    }
    return FoundSigner{.signer = &signer, .principal = *principal};
  }
  return not_allowed(certificate.key, why);
}

}  // namespace murder::trust
