// Orders that the operator signs for the hosts, so that they need not trust the coordinator that
// passes them on (trust/order.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/control/coordinator_client.h"
#include "cli/signing/order_making.h"
#include "cli/signing/signing.h"
#include "cli/ui/command.h"

namespace murder::cli {

// --sign [KEY] and --expires.
void add_order_signing_options(ArgumentParser command, SigningOptions& options);

class OrderSigner {
 public:
  // nullopt: neither --sign nor sign_key of murder.toml is there. Errors: the key cannot be used.
  [[nodiscard]] static Result<std::optional<OrderSigner>> open(const SigningOptions& options,
                                                               const std::string& config_path,
                                                               CommandContext& context);

  // About a release as the coordinator has it; it says what it signs. The member `orders` of a
  // request. Asks for a passphrase or a touch if the key wants that.
  [[nodiscard]] Result<Json> sign(CoordinatorClient& client, OrderSubject subject,
                                  const std::vector<trust::OrderKind>& kinds,
                                  const CommandContext& context) const;

 private:
  OrderSigner(SigningKey key, std::optional<Duration> expires_after)
      : key_(std::move(key)), expires_after_(expires_after) {}

  SigningKey key_;
  std::optional<Duration> expires_after_;
};

}  // namespace murder::cli
