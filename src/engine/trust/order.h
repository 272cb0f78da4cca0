// What an operator orders agents to do, as a text that he signs (docs/protocol.md, "Orders"): a
// coordinator that passes orders on can delay them, but not invent one.
//
//   murder-order 1
//   order activate
//   application shop
//   tag v42
//   info-hash 7c2f0c4d7a0a9f6d2f2a1f6f5c8e0b3a4d5e6f70
//   group canary
//   host web7
//   serial 1795969872
//   time 2026-11-29T16:31:12Z
//   expires 2026-11-30T16:31:12Z
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/codec/signed_statement.h"
#include "engine/trust/allowed_signers.h"
#include "engine/trust/verify_release.h"

namespace murder::trust {

// The namespace of its signatures.
inline constexpr std::string_view order_namespace = "murder-order";

enum class OrderKind : uint8_t {
  want,       // fetch and verify the release
  activate,   // make it current; includes fetching
  roll_back,  // make it current, although it is older than what is
  revoke,     // never activate it from now on
  go_back,    // from the release to what the host ran before it
};
// "wanted", "activate", "roll-back", "revoke", "return".
[[nodiscard]] std::string_view name_of(OrderKind kind);

struct OrderStatement {
  OrderKind kind = OrderKind::want;
  std::string application;
  std::string tag;
  InfoHash info_hash;
  // Whom it is for: hosts of any of these groups, and these hosts. Sorted, each once. With neither:
  // all hosts that take the application.
  std::vector<std::string> groups;
  std::vector<std::string> hosts;
  uint64_t serial = 0;    // grows from order to order of an application
  int64_t time_s = 0;     // when it was made, in seconds since 1970
  int64_t expires_s = 0;  // it does not count after this second

  bool operator==(const OrderStatement&) const = default;
};

[[nodiscard]] Status validate_order(const OrderStatement& order);
// Of a valid one.
[[nodiscard]] std::string encode_order(const OrderStatement& order);
// Accepts what encode_order() writes, byte for byte, and nothing else.
[[nodiscard]] Result<OrderStatement> parse_order(std::string_view text);

struct VerifiedOrder {
  OrderStatement order;
  std::vector<Signer> signers;
};
// Signed for order_namespace by as many distinct keys as AllowedSigners::required says, and not
// expired. An order and its signatures travel as those of a release do (signature_file.h). Errors:
// untrusted.
[[nodiscard]] Result<VerifiedOrder> verify_order(const codec::SignedStatement& signed_order,
                                                 const AllowedSigners& allowed, int64_t now_s);

// The host that reads an order.
struct OrderedHost {
  std::string_view host;
  std::span<const std::string> groups;
};
// Whether the order is for that host. A host that lies about its groups harms itself only.
[[nodiscard]] bool is_for(const OrderStatement& order, const OrderedHost& host);

}  // namespace murder::trust
