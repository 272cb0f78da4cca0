#include "engine/host/release_trust.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "engine/base/printable.h"
#include "engine/host/trusted_file.h"
#include "engine/host/trusted_signers.h"
#include "engine/trust/verify_release.h"

namespace murder::host {
namespace {

std::string path_of(const std::string& allowed_signers) {
  return allowed_signers.empty() ? allowed_signers_path : allowed_signers;
}

// Nothing has that name, not even a link to nothing.
bool is_absent(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) != 0 && errno == ENOENT && !has_dangling_link(path);
}

// What the error of a release that is not trusted says to do.
std::string_view remedy_of(const codec::Metainfo& metainfo) {
  return metainfo.signed_statement
             ? "have it signed again by who may (murder sign), or add the signer's key there"
             : "sign it with `murder sign`, or make it with `murder create --sign`";
}

Error refused(const TrustDemand& demand, const codec::Metainfo& metainfo, std::string_view tag,
              const Error& error) {
  if (error.code != ErrorCode::untrusted) {
    return error;
  }
  return {ErrorCode::untrusted,
          fmt::format("{} is not put in place: {} (this host trusts who {} names): {}",
                      printable_value(tag), error.text, path_of(demand.allowed_signers),
                      remedy_of(metainfo))};
}

Status check_application(const TrustDemand& demand, const trust::ReleaseStatement& statement) {
  // Of which application it is could be anybody's choice, where many are signed by the same key.
  if (!demand.app.empty() || statement.application.empty()) {
    return {};
  }
  return fail(ErrorCode::untrusted,
              fmt::format("it was signed for {0}, and no application was named: --app {0} takes "
                          "releases of that one",
                          printable_value(statement.application)));
}

Result<TrustedRelease> verify(const TrustDemand& demand, const TorrentInput& torrent,
                              std::string_view tag, const trust::AllowedSigners& allowed) {
  const codec::Metainfo& metainfo = torrent.metainfo;
  if (!metainfo.signed_statement) {
    return fail(ErrorCode::untrusted, "it is not signed");
  }
  const Result<trust::VerifiedRelease> verified =
      trust::verify_release(*metainfo.signed_statement, allowed, std::time(nullptr));
  if (!verified) {
    return fail(verified.error());
  }
  const trust::ReleaseStatement& statement = verified->statement;
  trust::ReleaseSubject subject{
      .info_hash = torrent.info_hash, .size_bytes = metainfo.geometry.total_bytes, .tag = tag};
  if (!demand.app.empty()) {
    subject.application = demand.app;
  }
  if (Status right = trust::check_subject(statement, subject); !right) {
    return fail(right.error());
  }
  if (Status right = check_application(demand, statement); !right) {
    return fail(right.error());
  }
  TrustedRelease trusted{
      .release = {.content = {.sha256 = statement.sha256, .size_bytes = statement.size_bytes},
                  .app = statement.application,
                  .serial = statement.serial,
                  .expires_at_s = statement.expires_s,
                  .until_s = statement.expires_s,
                  .allow_older = demand.allow_older}};
  for (const trust::Signer& signer : verified->signers) {
    trusted.signers.push_back(trust::text_of(signer));
    std::optional<int64_t>& until_s = trusted.release.until_s;
    if (signer.until_s) {
      until_s = std::min(until_s.value_or(*signer.until_s), *signer.until_s);
    }
  }
  return trusted;
}

}  // namespace

Result<std::optional<trust::AllowedSigners>> load_trust(const std::string& allowed_signers) {
  const std::string path = path_of(allowed_signers);
  if (allowed_signers.empty() && is_absent(path)) {
    return std::nullopt;
  }
  Result<std::optional<trust::AllowedSigners>> loaded = load_allowed_signers(path);
  if (loaded && !*loaded) {
    return fail(ErrorCode::not_found,
                fmt::format("{} says whose releases this host takes, and leads to no file: without "
                            "it nothing is put in place",
                            path));
  }
  return loaded;
}

Result<std::optional<TrustedRelease>> check_release_trust(const TrustDemand& demand,
                                                          const TorrentInput& torrent,
                                                          std::string_view tag) {
  const Result<std::optional<trust::AllowedSigners>> allowed = load_trust(demand.allowed_signers);
  if (!allowed) {
    return fail(allowed.error());
  }
  if (!*allowed) {
    return std::nullopt;
  }
  Result<TrustedRelease> trusted = verify(demand, torrent, tag, **allowed);
  if (!trusted) {
    return fail(refused(demand, torrent.metainfo, tag, trusted.error()));
  }
  return std::optional(std::move(*trusted));
}

}  // namespace murder::host
