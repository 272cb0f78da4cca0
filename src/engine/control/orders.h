// Orders of operators that a coordinator passes on. It cannot read them, nor make one: what they
// allow is the host's to judge. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/control/state.h"

namespace murder::control {

// 0: no order was given.
[[nodiscard]] uint64_t last_order_serial(const App& app);

// Its serial is above the last one. What it takes the place of goes: an order forward that of all
// but revocations, an order back and a revocation that of their kind.
void keep_order(App& app, Order order);
void forget_orders_of(App& app, ReleaseNumber release);

// What an agent was told of orders on one connection.
struct OrdersTold {
  uint64_t revocation = 0;  // the number of the latest one
  uint64_t ways = 0;        // a digest of the numbers of the others
};

// What it is to be told now, and then was told: of each of its apps the order that the rollout is
// carried out by (forward, or back once it goes back: a host takes the later for the one that
// counts), and revocations. In the order in which a host reads them.
struct OrdersDue {
  std::vector<const Order*> orders;
  OrdersTold told;
};
[[nodiscard]] OrdersDue orders_due(const State& state, AgentIndex agent, OrdersTold told);

}  // namespace murder::control
