// Orders that the operator signs for the hosts, so that they need not trust the coordinator that
// passes them on (trust/order.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/control/coordinator_client.h"
#include "cli/signing/signing.h"
#include "cli/ui/command.h"
#include "engine/trust/order.h"

namespace murder::cli {

// --sign [KEY] and --expires.
void add_order_signing_options(ArgumentParser command, SigningOptions& options);

// What is ordered: as the coordinator has it.
struct OrderSubject {
  std::string app;
  std::string tag;
  std::string info_hash;  // hexadecimal
  uint64_t last_serial = 0;
  std::vector<std::string> groups;  // none: all hosts that take the app
};

// Statements of these kinds, in this order, with serials above the last one. Errors: what of it
// cannot be signed; the last serial lies in the future.
[[nodiscard]] Result<std::vector<trust::OrderStatement>> make_orders(
    const OrderSubject& subject, const std::vector<trust::OrderKind>& kinds,
    std::optional<Duration> expires_after, int64_t now_s);

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
