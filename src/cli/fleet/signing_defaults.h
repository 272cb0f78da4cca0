// What murder.toml of the working directory says of signing, where the command line says nothing.
#pragma once

#include "cli/signing/signing.h"
#include "engine/base/result.h"

namespace murder::fleet {

// The key: KEY of the options, else sign_key, else the first of the agent.
[[nodiscard]] Result<cli::SigningKey> choose_signing_key(const cli::SigningOptions& options);

// application, unless --app was given.
[[nodiscard]] Status take_application_default(cli::SigningOptions& options);

}  // namespace murder::fleet
