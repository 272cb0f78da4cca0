// The part of `murder verify --signed` that is about signatures.
#pragma once

#include <optional>
#include <string>

#include "cli/ui/command.h"
#include "engine/archive/content_digest.h"
#include "engine/host/torrent_input.h"
#include "engine/trust/statement.h"

namespace murder::cli {

struct SignatureVerdict {
  // Why hosts with this list refuse it; empty: they do not.
  std::string trouble;
  std::optional<trust::ReleaseStatement> statement;  // of one that is trusted
  Json told;                                         // for programs
};

// Prints who signed it. `where` is how the torrent was named. Errors: nothing can be said.
[[nodiscard]] Result<SignatureVerdict> check_signatures(const host::TorrentInput& torrent,
                                                        const std::string& where,
                                                        const std::string& allowed_signers,
                                                        const CommandContext& context);

// Whether the content of this path is what was signed: nullopt when it is, else what is wrong.
[[nodiscard]] Result<std::optional<std::string>> content_trouble(
    const trust::ReleaseStatement& statement, const codec::Metainfo& metainfo,
    const std::string& path, const archive::CancelFlag& cancel);

}  // namespace murder::cli
