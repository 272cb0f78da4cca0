// Whether who signed a release is trusted, as a host decides it, for commands that show it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/codec/metainfo.h"
#include "engine/trust/verify_release.h"

namespace murder::cli {

// From the torrent, or where that has none from the file beside it (PATH.sig). nullopt: it is not
// signed. Errors: that file cannot be read.
[[nodiscard]] Result<std::optional<codec::SignedStatement>> find_signed_statement(
    const codec::Metainfo& metainfo, const std::string& torrent_path);

// The list of this path. Errors: there is none (not_found), or none that can be used.
[[nodiscard]] Result<trust::AllowedSigners> require_allowed_signers(const std::string& path);

// What the list has lines of that were not understood, in one text; empty: none.
[[nodiscard]] std::string faults_text(const trust::AllowedSigners& allowed,
                                      const std::string& path);

}  // namespace murder::cli
