#include "coordinator/signed_orders.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "engine/base/printable.h"
#include "engine/control/orders.h"
#include "engine/trust/order.h"
#include "engine/trust/signature_file.h"

namespace murder::coordinator {
namespace {

using control::OrderUse;
using trust::OrderKind;

tl::unexpected<Error> wrong_order(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("orders: {}", what));
}

// What the order is for, if it goes with what is asked.
std::optional<OrderUse> use_of(OrderKind kind, Action action) {
  const bool goes_on = action == Action::start || action == Action::resume;
  switch (kind) {
    case OrderKind::activate:
    case OrderKind::roll_back:
      return goes_on ? std::optional(OrderUse::forward) : std::nullopt;
    case OrderKind::want:
      return action == Action::abort || action == Action::start ? std::optional(OrderUse::forward)
                                                                : std::nullopt;
    case OrderKind::go_back:
      return goes_on || action == Action::undo ? std::optional(OrderUse::back) : std::nullopt;
    case OrderKind::revoke:
      return action == Action::revoke ? std::optional(OrderUse::revoke) : std::nullopt;
  }
  return std::nullopt;
}

// The release that the request is about.
const control::Release* release_of(const control::State& state, const OperatorRequest& request) {
  const control::App* app = state.find_app(request.app);
  if (app == nullptr) {
    return nullptr;
  }
  if (!request.tag.empty()) {
    return control::find_release(*app, std::string_view(request.tag));
  }
  return app->rollout ? control::find_release(*app, app->rollout->release) : nullptr;
}

}  // namespace

Result<std::vector<SignedOrder>> read_signed_orders(const control::State& state,
                                                    const OperatorRequest& request) {
  std::vector<SignedOrder> orders;
  const control::Release* release = release_of(state, request);
  if (request.orders.empty() || release == nullptr) {
    return orders;  // what is asked for says what is missing
  }
  uint64_t last = control::last_order_serial(*state.find_app(request.app));
  for (const std::string& text : request.orders) {
    const Result<codec::SignedStatement> file = trust::parse_signature_file(text);
    const Result<trust::OrderStatement> order =
        file ? trust::parse_order(file->text) : fail(file.error());
    if (!order) {
      return wrong_order(order.error().text);
    }
    const std::optional<OrderUse> use = use_of(order->kind, request.action);
    if (!use) {
      return wrong_order(
          fmt::format("an order to {} does not go with this request", trust::name_of(order->kind)));
    }
    if (order->application != request.app || order->tag != release->tag ||
        order->info_hash != release->info_hash) {
      return wrong_order(fmt::format("one is about {} {} ({}), not about {} {} ({})",
                                     printable_value(order->application),
                                     printable_value(order->tag), order->info_hash.hex(),
                                     request.app, release->tag, release->info_hash.hex()));
    }
    if (order->serial <= last) {
      return fail(
          ErrorCode::conflict,
          fmt::format("orders: the serial {} is not above {}, which hosts of {} were given: "
                      "sign it again",
                      order->serial, last, request.app));
    }
    last = order->serial;
    orders.push_back({.use = *use, .tag = release->tag, .serial = last, .text = text});
  }
  return orders;
}

Status give_orders(control::Coordinator& machine, const std::string& app,
                   const std::vector<SignedOrder>& orders, const std::string& by,
                   control::Moment moment) {
  for (const SignedOrder& order : orders) {
    if (Status given =
            machine.give_order(app, order.tag, order.use, order.serial, order.text, by, moment);
        !given) {
      return given;
    }
  }
  return {};
}

}  // namespace murder::coordinator
