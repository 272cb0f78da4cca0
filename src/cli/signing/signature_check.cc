#include "cli/signing/signature_check.h"

#include <fmt/format.h>

#include "engine/base/small_file.h"
#include "engine/host/trusted_signers.h"
#include "engine/trust/bounds.h"
#include "engine/trust/signature_file.h"

namespace murder::cli {

Result<std::optional<codec::SignedStatement>> find_signed_statement(
    const codec::Metainfo& metainfo, const std::string& torrent_path) {
  if (metainfo.signed_statement) {
    return metainfo.signed_statement;
  }
  const std::string path = torrent_path + std::string(trust::signature_file_suffix);
  const Result<std::string> text = read_small_file(path, limits::signature_file_bytes_max);
  if (!text) {
    return text.error().code == ErrorCode::not_found
               ? Result<std::optional<codec::SignedStatement>>(std::nullopt)
               : fail(text.error());
  }
  Result<codec::SignedStatement> found = trust::parse_signature_file(*text);
  if (!found) {
    return fail(found.error().code, fmt::format("{}: {}", path, found.error().text));
  }
  return std::optional(std::move(*found));
}

Result<trust::AllowedSigners> require_allowed_signers(const std::string& path) {
  Result<std::optional<trust::AllowedSigners>> loaded = host::load_allowed_signers(path);
  if (!loaded) {
    return fail(loaded.error());
  }
  if (!*loaded) {
    return fail(ErrorCode::not_found,
                fmt::format("there is no {}, so nobody is trusted to sign: `murder key add` makes "
                            "it, --allowed-signers names another",
                            path));
  }
  return std::move(**loaded);
}

std::string faults_text(const trust::AllowedSigners& allowed, const std::string& path) {
  std::string text;
  for (const trust::FaultyLine& fault : allowed.faults) {
    text += fmt::format("{}{}:{}: {}", text.empty() ? "" : "\n", path, fault.line, fault.text);
  }
  return text;
}

}  // namespace murder::cli
