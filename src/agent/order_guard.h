// What operators ordered, on a host that demands it: its file of allowed signers names the
// namespace murder-order. What a coordinator wants is cut down to that before the machine hears it,
// so that a coordinator can delay what was ordered, and invent nothing.
//
//   wanted            needs
//   fetch             an order about it: wanted, activate, roll-back; return, if it is what
//                     ran before
//   activate          activate, roll-back or return
//   older than what   roll-back or return
//   runs
//   revoked           revoke, at any time
//
// Without an order: what runs stays, and the host goes back by itself (its own health, its own
// hook, confirmation that does not come).
//
// Blocks: a small file is written when an order is taken. Bounded by the apps of the configuration.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/codec/signed_statement.h"
#include "engine/control/agent_app.h"
#include "engine/control/messages.h"
#include "engine/trust/allowed_signers.h"
#include "engine/trust/order.h"
#include "engine/trust/order_marks.h"

namespace murder::agent {

struct OrderGuardOptions {
  std::string allowed_signers;  // the file; empty: the default one
  std::string marks_path;       // where it remembers the orders that came
  std::string host;
  std::vector<std::string> groups;
  std::vector<std::string> apps;
};

class OrderGuard {
 public:
  // Errors: what it remembers cannot be read, or was damaged: nothing is done by orders that may
  // have been replayed.
  [[nodiscard]] static Result<OrderGuard> open(OrderGuardOptions options);

  // Who may give orders is read again. What cannot be read forbids all.
  void read_signers();
  [[nodiscard]] bool demands_orders() const { return demands_orders_; }

  // An order that came from a coordinator. Empty, or why it is refused, for the log.
  [[nodiscard]] std::string take(std::string_view text, int64_t now_s);

  // Takes out of it what was not ordered, and says why (WantedApp::refusal).
  void restrict_wanted(control::Wanted& wanted, const control::KeptAgent& kept,
                       int64_t now_s) const;

 private:
  // The latest of an app that was admitted, and why one after it was refused.
  struct Standing {
    std::optional<trust::OrderStatement> order;
    codec::SignedStatement signed_order;
    std::string refusal;
  };

  explicit OrderGuard(OrderGuardOptions options) : options_(std::move(options)) {}

  [[nodiscard]] Status admit(const codec::SignedStatement& signed_order, int64_t now_s);
  [[nodiscard]] Status remember(const trust::OrderMarks& marks);
  void restrict_app(control::WantedApp& wanted, const control::KeptApp* kept, int64_t now_s) const;
  [[nodiscard]] std::string why_not(const control::WantedApp& wanted, const control::KeptApp* kept,
                                    int64_t now_s) const;

  OrderGuardOptions options_;
  bool demands_orders_ = false;
  Result<trust::AllowedSigners> signers_ = trust::AllowedSigners{};
  trust::OrderMarks marks_;
  std::map<std::string, Standing, std::less<>> standing_;  // by app
};

}  // namespace murder::agent
