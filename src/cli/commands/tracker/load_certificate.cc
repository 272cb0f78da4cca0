#include "cli/commands/tracker/load_certificate.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "cli/commands/tracker/bounds.h"
#include "engine/archive/file.h"

namespace murder::cli {
namespace {

Status check_secrecy(const std::string& path) {
  struct stat state {};
  if (stat(path.c_str(), &state) != 0) {
    return fail_errno(errno, fmt::format("cannot read {}", path));
  }
  if ((state.st_mode & S_IRWXO) != 0) {
    return fail(ErrorCode::untrusted,
                fmt::format("{}: every user of this host can use this key: `chmod o= {}`, and make "
                            "a new one",
                            path, path));
  }
  return {};
}

}  // namespace

Result<std::optional<tls::ServerContext>> load_certificate(const CertificatePaths& paths) {
  if (paths.certificate.empty() && paths.key.empty()) {
    return std::nullopt;
  }
  if (paths.certificate.empty() || paths.key.empty()) {
    return fail(ErrorCode::invalid_input,
                "https needs both a certificate (--tls-cert FILE) and its key (--tls-key FILE)");
  }
  if (Status secret = check_secrecy(paths.key); !secret) {
    return fail(secret.error());
  }
  // Links are followed: programs that renew certificates switch them.
  const Result<std::string> certificate =
      archive::read_whole_file(paths.certificate, limits::certificate_file_bytes_max);
  if (!certificate) {
    return fail(certificate.error());
  }
  Result<std::string> key = archive::read_whole_file(paths.key, limits::certificate_file_bytes_max);
  if (!key) {
    return fail(key.error());
  }
  Result<tls::ServerContext> made = tls::ServerContext::create(*certificate, *key);
  explicit_bzero(key->data(), key->size());
  if (!made) {
    return fail(made.error().code,
                fmt::format("{} and {}: {}", paths.certificate, paths.key, made.error().text));
  }
  return std::move(*made);
}

}  // namespace murder::cli
