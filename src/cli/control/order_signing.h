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

// What a command was told of it. Where hosts demand several signatures (# murder: require = 2), one
// operator signs into a file, and the next one adds his and sends them.
struct OrderSigningOptions {
  SigningOptions signing;
  std::string
      orders_path;        // --orders: these are sent, and signed by one more key if --sign is there
  std::string save_path;  // --save-orders: where they go instead of to the coordinator
};

// --sign [KEY], --expires, --orders and --save-orders.
void add_order_signing_options(ArgumentParser command, OrderSigningOptions& options);

// The orders of a file of --save-orders, which must be those that the command would make itself: of
// the same kinds in the same order, about the same release and groups, above the last serial and
// not expired. Errors say what is not.
[[nodiscard]] Result<std::vector<codec::SignedStatement>> read_saved_orders(
    std::string_view text, const std::vector<trust::OrderStatement>& expected,
    uint64_t last_serial);

class OrderSigner {
 public:
  // nullopt: neither --sign nor --orders nor sign_key of murder.toml is there. Errors: the key
  // cannot be used; the file cannot be read.
  [[nodiscard]] static Result<std::optional<OrderSigner>> open(const OrderSigningOptions& options,
                                                               const std::string& config_path,
                                                               CommandContext& context);

  // About a release as the coordinator has it; it says what it signs. The member `orders` of a
  // request. Asks for a passphrase or a touch if the key wants that. If saves(), they are in the
  // file then, and nothing is to be asked for.
  [[nodiscard]] Result<Json> sign(CoordinatorClient& client, OrderSubject subject,
                                  const std::vector<trust::OrderKind>& kinds,
                                  const CommandContext& context) const;
  [[nodiscard]] bool saves() const { return !save_path_.empty(); }
  // "the orders are in FILE: ...", for people.
  [[nodiscard]] std::string saved_text() const;

 private:
  OrderSigner() = default;

  std::optional<SigningKey> key_;  // nullopt: what was saved is sent as it is
  std::optional<Duration> expires_after_;
  std::optional<std::string> saved_;  // the text of --orders
  std::string save_path_;
};

}  // namespace murder::cli
