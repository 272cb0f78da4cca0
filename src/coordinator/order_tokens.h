// Orders to a closed coordinator count once, and with the body that they were signed with: their
// token covers the query, which has the body's SHA-256 and a nonce (docs/protocol.md, "The
// coordinator").
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_set>

#include "engine/http/handler.h"

namespace murder::coordinator {

// Of requests whose token was proven already. Remembers tokens for as long as they hold; bounded by
// limits::order_tokens_max, beyond which no order is taken. On the thread of its owner.
class OrderTokens {
 public:
  // Orders that were signed before this second are refused from now on: what another process, or
  // another leader, took of them is not known here.
  void begin(uint64_t first_s) { first_s_ = first_s; }
  // The second has not come.
  [[nodiscard]] bool must_wait(uint64_t now_s) const;
  // Whether it was signed before that, or by a clock that is ahead of this one: its client is told
  // the time here, and signs it anew.
  [[nodiscard]] bool is_untimely(const http::Request& request, uint64_t now_s) const;
  // Nothing: the order counts, for the first time. Else why it does not.
  [[nodiscard]] std::optional<http::Response> refuse(const http::Request& request, uint64_t now_s);

 private:
  struct Used {
    uint64_t until_s = 0;
    std::string token;
  };
  void forget(uint64_t now_s);

  std::unordered_set<std::string> tokens_;
  std::deque<Used> order_;  // by time
  uint64_t first_s_ = 0;    // 0: any time that the token's own check lets pass
};

}  // namespace murder::coordinator
