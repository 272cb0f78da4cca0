#include "cli/fleet/signing_defaults.h"

#include "cli/fleet/config.h"

namespace murder::fleet {

Result<cli::SigningKey> choose_signing_key(const cli::SigningOptions& options) {
  if (!options.key.empty()) {
    return cli::find_signing_key(options.key);
  }
  const Result<Config> config = load_config("");
  return config ? cli::find_signing_key(config->variables.sign_key) : fail(config.error());
}

Status take_application_default(cli::SigningOptions& options) {
  if (!options.application.empty()) {
    return {};
  }
  const Result<Config> config = load_config("");
  if (!config) {
    return fail(config.error());
  }
  options.application = config->variables.application;
  return {};
}

}  // namespace murder::fleet
