// Orders that an operator signed and sent along with what he asks for. Whether they count is for
// the hosts to judge; here they have to be about the same thing, since hosts would refuse the rest.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "coordinator/operator_request.h"
#include "engine/base/result.h"
#include "engine/control/coordinator.h"

namespace murder::coordinator {

struct SignedOrder {
  control::OrderUse use = control::OrderUse::forward;
  std::string tag;
  uint64_t serial = 0;
  std::string text;
};

// In the order in which they are to be given; empty: the operator sent none. Errors: one is not an
// order, or about another app or release, of another kind than the request, or older than the last.
[[nodiscard]] Result<std::vector<SignedOrder>> read_signed_orders(const control::State& state,
                                                                  const OperatorRequest& request);

// After the request was carried out. Errors: of the machine.
[[nodiscard]] Status give_orders(control::Coordinator& machine, const std::string& app,
                                 const std::vector<SignedOrder>& orders, const std::string& by,
                                 control::Moment moment);

}  // namespace murder::coordinator
