// What an operator asks for, put into the machine, and what he is answered. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "coordinator/copy_state.h"
#include "coordinator/operator_request.h"
#include "coordinator/views.h"
#include "engine/base/endpoint.h"
#include "engine/control/coordinator.h"
#include "engine/http/handler.h"
#include "engine/trust/enrolment.h"

namespace murder::coordinator {

struct WaitingRequest {
  uint64_t ticket = 0;
  OperatorRequest request;
  std::string by;      // for records
  InfoHash info_hash;  // of what is published
  bool is_order = false;
  IpAddress address;  // of who asks
  trust::Approvals* approvals = nullptr;
  Instant since{};
};

// Nothing may be answered before the machine's records are written.
[[nodiscard]] http::Response carry_out(control::Coordinator& machine, const WaitingRequest& waiting,
                                       const CopySource& copies, const FactsSource& facts,
                                       control::Moment moment);

}  // namespace murder::coordinator
