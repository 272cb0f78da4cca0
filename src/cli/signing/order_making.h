// Orders to hosts, as an operator signs them (trust/order.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/signing/ssh_signing.h"
#include "engine/base/instant.h"
#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/trust/order.h"

namespace murder::cli {

// What is ordered: as the coordinator has it, or will have it.
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

// What hosts need of an operator's signature to carry a rollout out: "activate", or "roll-back"
// where it may lead to an older release, and "return" where the coordinator may go back by itself.
[[nodiscard]] std::vector<trust::OrderKind> kinds_of_start(bool allows_older, bool rolls_back);

// "activate shop v42 (info hash ...) for web", as people are told of it.
[[nodiscard]] std::string order_text(const trust::OrderStatement& order);

// Says what it signs. Asks for a passphrase or a touch if the key wants that.
[[nodiscard]] Status add_order_signature(const SigningKey& key,
                                         codec::SignedStatement& signed_order,
                                         const SigningFront& front);

// Each of them signed: the member `orders` of a request to a coordinator. Says what it signs. Asks
// for a passphrase or a touch if the key wants that.
[[nodiscard]] Result<Json> sign_orders(const SigningKey& key,
                                       std::span<const trust::OrderStatement> orders,
                                       const SigningFront& front);

}  // namespace murder::cli
