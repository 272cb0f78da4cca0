#include "cli/fleet/rollout/deploy_orders.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <ctime>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/trust/pattern.h"

namespace murder::fleet {

// As in the file: namespaces="git,murder-*", several of them with blanks between.
bool demands_orders(std::string_view namespaces) {
  size_t begin = namespaces.find('"');
  while (begin != std::string_view::npos) {
    const size_t end = namespaces.find('"', begin + 1);
    if (trust::matches_pattern_list(trust::order_namespace,
                                    namespaces.substr(begin + 1, end - begin - 1))) {
      return true;
    }
    begin = end == std::string_view::npos ? end : namespaces.find('"', end + 1);
  }
  return false;
}

std::string text_of_missing_key(std::string_view host) {
  return fmt::format(
      "{} takes only what an operator ordered and signed (its /etc/murder/allowed_signers names "
      "the namespace {}), and no key signs: give --sign [KEY], or set sign_key in murder.toml",
      host, trust::order_namespace);
}

std::vector<trust::OrderKind> kinds_of_deploy(const DeployOptions& options, bool activates) {
  if (!activates) {
    return {trust::OrderKind::want};
  }
  const bool rolls_back =
      options.rollout && text_member(options.rollout->plan, "on_failure") == "rollback";
  return cli::kinds_of_start(options.placing.allow_older, rolls_back);
}

DeployOrders::DeployOrders(OrdersJob job)
    : job_(std::move(job)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_([this] {
        result_ = make();
        has_ended_.store(true, std::memory_order_release);
        static_cast<void>(eventfd_write(wake_.get(), 1));
      }) {}

DeployOrders::~DeployOrders() {
  cancel_.set();
  if (thread_.joinable()) {
    thread_.join();
  }
}

Result<Json> DeployOrders::make() {
  const Result<std::vector<trust::OrderStatement>> orders =
      cli::make_orders(job_.subject, job_.kinds, std::nullopt, std::time(nullptr));
  if (!orders) {
    return fail(orders.error());
  }
  last_serial_ = orders->back().serial;
  const auto note = [this](std::string_view text) {
    const std::lock_guard lock(mutex_);
    notes_.emplace_back(text);
  };
  return cli::sign_orders(job_.key, *orders, {.note = note, .cancel = &cancel_});
}

std::vector<std::string> DeployOrders::take_notes() {
  const std::lock_guard lock(mutex_);
  return std::exchange(notes_, {});
}

Result<Json> DeployOrders::result() {
  ENSURE(has_ended());
  if (thread_.joinable()) {
    thread_.join();
  }
  return std::move(*result_);
}

}  // namespace murder::fleet
