#include "engine/control/orders.h"

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/control/bounds.h"

namespace murder::control {
namespace {

bool takes_the_place_of(const Order& order, const Order& other) {
  switch (order.use) {
    case OrderUse::forward:
      return other.use != OrderUse::revoke;
    case OrderUse::back:
      return other.use == OrderUse::back;
    case OrderUse::revoke:
      return other.use == OrderUse::revoke && other.release == order.release;
  }
  return false;
}

// Different for other numbers, or another order of them, as far as such a thing goes.
uint64_t mixed(uint64_t digest, uint64_t number) {
  constexpr uint64_t factor = 0x9e3779b97f4a7c15;  // odd: no two numbers come to the same
  return (digest ^ number) * factor + 1;
}

// Of too many the oldest goes: a host that heard of it remembers.
void bound_revocations(App& app) {
  const auto is_revocation = [](const Order& order) { return order.use == OrderUse::revoke; };
  const auto count = std::count_if(app.orders.begin(), app.orders.end(), is_revocation);
  if (count > limits::control_revoked_told_max) {
    app.orders.erase(std::find_if(app.orders.begin(), app.orders.end(), is_revocation));
  }
}

}  // namespace

uint64_t last_order_serial(const App& app) {
  return app.orders.empty() ? 0 : app.orders.back().serial;
}

void keep_order(App& app, Order order) {
  ENSURE(order.serial > last_order_serial(app));
  std::erase_if(app.orders, [&](const Order& other) { return takes_the_place_of(order, other); });
  app.orders.push_back(std::move(order));
  bound_revocations(app);
}

void forget_orders_of(App& app, ReleaseNumber release) {
  std::erase_if(app.orders, [&](const Order& order) { return order.release == release; });
}

OrdersDue orders_due(const State& state, AgentIndex agent, OrdersTold told) {
  std::vector<const Order*> ways;
  std::vector<const Order*> revocations;
  uint64_t digest = 0;
  for (const std::string& name : state.agent(agent).apps) {
    const App* app = state.find_app(name);
    if (app == nullptr) {
      continue;
    }
    const bool is_back = app->rollout && goes_back(app->rollout->state);
    for (const Order& order : app->orders) {
      if (order.use == OrderUse::revoke && order.number > told.revocation) {
        revocations.push_back(&order);
      } else if (order.use == (is_back ? OrderUse::back : OrderUse::forward)) {
        ways.push_back(&order);
        digest = mixed(digest, order.number);
      }
    }
  }
  OrdersDue due{.orders = {}, .told = {.revocation = told.revocation, .ways = digest}};
  if (digest != told.ways) {
    due.orders = std::move(ways);
  }
  for (const Order* order : revocations) {
    due.orders.push_back(order);
    due.told.revocation = std::max(due.told.revocation, order->number);
  }
  return due;
}

}  // namespace murder::control
