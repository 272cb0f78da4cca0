// What `murder create` does about signatures.
#pragma once

#include <optional>

#include "cli/signing/signing.h"
#include "cli/ui/command.h"
#include "engine/archive/create_release.h"

namespace murder::cli {

void add_create_signing_options(ArgumentParser command, SigningOptions& options);

// Before anything is packed: the key that will sign, and what murder.toml says. nullopt: it is not
// to be signed.
[[nodiscard]] Result<std::optional<SigningKey>> prepare_signing(SigningOptions& options,
                                                                CommandContext& context);

// Signs what was made, and prints by whom. Returns what is told to programs. Errors: the release is
// there, and not signed.
[[nodiscard]] Result<Json> sign_created(const SigningKey& key, const SigningOptions& options,
                                        const archive::CreateOptions& release,
                                        const archive::CreatedRelease& created,
                                        const CommandContext& context);

// Signatures of an older torrent of that name say nothing of the new one.
void remove_old_signatures(const archive::CreatedRelease& created, const CommandContext& context);

}  // namespace murder::cli
