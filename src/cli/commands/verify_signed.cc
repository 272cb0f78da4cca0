#include "cli/commands/verify_signed.h"

#include <fmt/format.h>

#include <ctime>

#include "cli/signing/signature_check.h"
#include "cli/signing/signer_json.h"
#include "engine/archive/release_name.h"

namespace murder::cli {
namespace {

Result<trust::VerifiedRelease> verified_release(const host::TorrentInput& torrent,
                                                const codec::SignedStatement& signed_statement,
                                                const trust::AllowedSigners& allowed) {
  Result<trust::VerifiedRelease> verified =
      trust::verify_release(signed_statement, allowed, std::time(nullptr));
  if (!verified) {
    return verified;
  }
  if (Status right = trust::check_subject(verified->statement,
                                          {.info_hash = torrent.info_hash,
                                           .size_bytes = torrent.metainfo.geometry.total_bytes,
                                           .tag = archive::tag_of_name(torrent.metainfo.name)});
      !right) {
    return fail(right.error());
  }
  return verified;
}

}  // namespace

Result<SignatureVerdict> check_signatures(const host::TorrentInput& torrent,
                                          const std::string& where,
                                          const std::string& allowed_signers,
                                          const CommandContext& context) {
  const Result<trust::AllowedSigners> allowed = require_allowed_signers(allowed_signers);
  if (!allowed) {
    return fail(allowed.error());
  }
  const Result<std::optional<codec::SignedStatement>> signed_statement =
      find_signed_statement(torrent.metainfo, where);
  if (!signed_statement) {
    return fail(signed_statement.error());
  }
  const Result<trust::VerifiedRelease> verified =
      verified_release(torrent, signed_statement->value_or(codec::SignedStatement{}), *allowed);
  SignatureVerdict verdict;
  if (!verified && verified.error().code != ErrorCode::untrusted) {
    return fail(verified.error());
  }
  if (!verified) {
    verdict.trouble = verified.error().text;
    verdict.told = {{"trusted", false}, {"error", verdict.trouble}};
    context.print(fmt::format("{}: {}", where, verdict.trouble));
    return verdict;
  }
  for (const trust::Signer& signer : verified->signers) {
    context.print(fmt::format("{}: signed by {}", where, trust::text_of(signer)));
  }
  for (const std::string& ignored : verified->ignored) {
    context.note("does not count: " + ignored);
  }
  verdict.statement = verified->statement;
  verdict.told = {{"trusted", true},
                  {"statement", statement_json(verified->statement)},
                  {"signers", signers_json(verified->signers)},
                  {"ignored", verified->ignored}};
  return verdict;
}

Result<std::optional<std::string>> content_trouble(const trust::ReleaseStatement& statement,
                                                   const codec::Metainfo& metainfo,
                                                   const std::string& path,
                                                   const archive::CancelFlag& cancel) {
  const Result<archive::ContentDigest> digest = archive::digest_of_content(metainfo, path, &cancel);
  if (!digest) {
    return fail(digest.error());
  }
  if (digest->sha256 == statement.sha256 && digest->size_bytes == statement.size_bytes) {
    return std::nullopt;
  }
  return std::optional(fmt::format("it is not what was signed: its SHA-256 is {}, not {}",
                                   digest->sha256.hex(), statement.sha256.hex()));
}

}  // namespace murder::cli
