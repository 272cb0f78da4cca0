// The orders of a deploy by a coordinator: which hosts demand them, and when they are signed.
#include <algorithm>

#include "cli/fleet/rollout/rollout_deployment.h"
#include "cli/fleet/rollout/rollout_parts.h"

namespace murder::fleet {

// Said before anything is begun there.
void RolloutDeployment::check_orders_of(HostIndex host) {
  if (run_.at(host).is_peer && !options_.signing && trouble_ &&
      demands_orders(work_.facts_of(host).namespaces)) {
    trouble_ = fail(ErrorCode::permission, text_of_missing_key(work_.inventory().at(host).name));
  }
}

// A host that has not been heard yet may demand them as well.
bool RolloutDeployment::may_need_orders() const {
  return options_.signing && std::ranges::any_of(work_.inventory().peers, [this](HostIndex host) {
           const DeployHost& here = run_.at(host);
           return here.is_peer &&
                  (here.reach == Reach::unknown || demands_orders(work_.facts_of(host).namespaces));
         });
}

// They go with the rollout's start. While they are made, making_orders_ is there.
Status RolloutDeployment::make_orders() {
  if (making_orders_ == nullptr && !orders_.is_array() && may_need_orders()) {
    making_orders_ = std::make_unique<DeployOrders>(
        OrdersJob{.key = options_.signing->key,
                  .subject = {.app = deploy_app_name(options_.application),
                              .tag = options_.tag,
                              .info_hash = outcome_.info_hash},
                  .kinds = kinds_of_deploy(options_, activates())});
  }
  if (making_orders_ == nullptr) {
    return {};
  }
  for (const std::string& note : making_orders_->take_notes()) {
    work_.view().note(note);
  }
  if (!making_orders_->has_ended()) {
    return {};
  }
  Result<Json> made = making_orders_->result();
  last_order_serial_ = making_orders_->last_serial();
  making_orders_.reset();
  if (!made) {
    return fail(made.error());
  }
  orders_ = std::move(*made);
  return {};
}

// Where hosts were ordered to activate it they go back by an order alone.
void RolloutDeployment::sign_undo() {
  if (!orders_.is_array()) {
    return;
  }
  DeployOrders undo({.key = options_.signing->key,
                     .subject = {.app = deploy_app_name(options_.application),
                                 .tag = options_.tag,
                                 .info_hash = outcome_.info_hash,
                                 .last_serial = last_order_serial_},
                     .kinds = {trust::OrderKind::go_back}});
  while (!undo.has_ended()) {
    run_.runner.step(undo.wake_fd());
  }
  Result<Json> made = undo.result();
  if (!made) {
    work_.view().warn("not signed: " + made.error().text);
    return;
  }
  orders_ = std::move(*made);
}

int RolloutDeployment::wake_fd() const {
  if (packing_.is_at_work()) {
    return packing_.wake_fd();
  }
  return making_orders_ != nullptr ? making_orders_->wake_fd() : -1;
}

}  // namespace murder::fleet
