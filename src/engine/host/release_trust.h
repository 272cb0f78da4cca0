// Whether this host takes a release at all: before anything but the torrent is fetched, and before
// anything is made.
//
// A host with a file of allowed signers demands signatures, for good: a file that is named and
// missing, cannot be read, or may be written by others is an Error, never a reason to go without.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/host/signed_release.h"
#include "engine/host/torrent_input.h"
#include "engine/trust/allowed_signers.h"

namespace murder::host {

struct TrustDemand {
  std::string allowed_signers;  // the file; empty: allowed_signers_path, which may be missing
  std::string app;              // what this target takes; empty: releases of no application
  bool allow_older = false;
};

// Blocks, as all here. nullopt: this host demands no signatures.
[[nodiscard]] Result<std::optional<trust::AllowedSigners>> load_trust(
    const std::string& allowed_signers);

struct TrustedRelease {
  SignedRelease release;
  std::vector<std::string> signers;  // for people
};

// nullopt: likewise. Errors (untrusted) say what is wrong with the signature, and what to do.
[[nodiscard]] Result<std::optional<TrustedRelease>> check_release_trust(const TrustDemand& demand,
                                                                        const TorrentInput& torrent,
                                                                        std::string_view tag);

}  // namespace murder::host
