#include "cli/control/order_signing.h"

#include <ctime>
#include <utility>

#include "cli/fleet/config.h"

namespace murder::cli {
void add_order_signing_options(ArgumentParser command, SigningOptions& options) {
  add_sign_option(
      command, options,
      "Sign it for hosts that demand orders of an operator, with the private key of\n"
      "this file or the public one of a key that the ssh-agent has (default: sign_key\n"
      "of murder.toml, else the first key of the agent). Without KEY it does not stand\n"
      "right before an argument");
  command.add_duration(
      "--expires", options.expires_after,
      "Signed: hosts that hear of it later refuse it (default: 7d, of a revocation "
      "3650d)");
}

Result<std::optional<OrderSigner>> OrderSigner::open(const SigningOptions& options,
                                                     const std::string& config_path,
                                                     CommandContext& context) {
  const Result<fleet::Config> config = fleet::load_config(config_path);
  if (!config) {
    return config.error().code == ErrorCode::invalid_input
               ? context.wrong_usage(config.error().text)
               : fail(config.error());
  }
  const std::string& wish = options.key.empty() ? config->variables.sign_key : options.key;
  if (!options.is_asked && wish.empty()) {
    return options.expires_after
               ? Result<std::optional<OrderSigner>>(context.wrong_usage(
                     "--expires is signed: it goes with --sign, or with sign_key in murder.toml"))
               : std::nullopt;
  }
  Result<SigningKey> key = find_signing_key(wish);
  if (!key) {
    return fail(key.error());
  }
  return OrderSigner(std::move(*key), options.expires_after);
}

Result<Json> OrderSigner::sign(CoordinatorClient& client, OrderSubject subject,
                               const std::vector<trust::OrderKind>& kinds,
                               const CommandContext& context) const {
  const Result<Json> release =
      client.get(control_target("/control/release", {{"app", subject.app}, {"tag", subject.tag}}));
  if (!release) {
    return fail(release.error());
  }
  subject.info_hash = text_member(*release, "info_hash");
  subject.last_serial = count_member(*release, "order_serial");
  const Result<std::vector<trust::OrderStatement>> orders =
      make_orders(subject, kinds, expires_after_, std::time(nullptr));
  if (!orders) {
    return fail(orders.error());
  }
  return sign_orders(
      key_, *orders,
      {.note = [&](std::string_view text) { context.note(text); }, .cancel = nullptr});
}

}  // namespace murder::cli
