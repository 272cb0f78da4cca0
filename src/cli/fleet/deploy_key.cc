#include "cli/fleet/deploy_key.h"

#include "engine/base/random_word.h"

namespace murder::fleet {
namespace {

Result<std::string> make_key_of(trust::KeyKind kind) {
  trust::Secret secret{};
  if (Status filled = fill_random(secret); !filled) {
    return fail(filled.error());
  }
  return trust::key_text(kind, secret);
}

}  // namespace

Result<std::string> make_deploy_key() {
  return make_key_of(trust::KeyKind::fleet);
}

Result<std::string> make_deploy_operator_key() {
  return make_key_of(trust::KeyKind::opener);
}

std::optional<trust::FleetKeys> keys_of_deploy(std::string_view key) {
  const Result<trust::TypedKey> parsed = trust::parse_key(key);
  if (!parsed || parsed->kind != trust::KeyKind::fleet) {
    return std::nullopt;
  }
  trust::FleetKeys keys;
  keys.fleet.secrets[0] = parsed->secret;
  keys.fleet.count = 1;
  return keys;
}

std::string with_deploy_key(std::string_view key, std::string_view torrent) {
  std::string input(key);
  input += key.empty() ? "" : "\n";
  return input.append(torrent);
}

}  // namespace murder::fleet
