// Orders of a deploy, for hosts that demand them: signed on this machine, where the key is, by a
// thread, while hosts are looked after.
//
//   running -> ended; the thread is joined by result() or the destructor (which cancels)
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cli/fleet/deploy_options.h"
#include "cli/signing/order_making.h"
#include "engine/archive/observer.h"
#include "engine/io/sockets.h"

namespace murder::fleet {

// Whether one of the namespaces in HostFacts is that of orders: then agents there do nothing
// without an operator's order.
[[nodiscard]] bool demands_orders(std::string_view namespaces);
[[nodiscard]] std::string text_of_missing_key(std::string_view host);

// What hosts have to be ordered so that the deploy can be carried out.
[[nodiscard]] std::vector<trust::OrderKind> kinds_of_deploy(const DeployOptions& options,
                                                            bool activates);

struct OrdersJob {
  cli::SigningKey key;
  cli::OrderSubject subject;
  std::vector<trust::OrderKind> kinds;
};

class DeployOrders {
 public:
  explicit DeployOrders(OrdersJob job);
  DeployOrders(const DeployOrders&) = delete;
  DeployOrders& operator=(const DeployOrders&) = delete;
  ~DeployOrders();

  // Readable from its end on.
  [[nodiscard]] int wake_fd() const { return wake_.get(); }
  [[nodiscard]] bool has_ended() const { return has_ended_.load(std::memory_order_acquire); }
  // What it signs, and what ssh-keygen said, since the last call.
  [[nodiscard]] std::vector<std::string> take_notes();
  // Once, after its end: as a coordinator takes them.
  [[nodiscard]] Result<Json> result();
  // Of what was made.
  [[nodiscard]] uint64_t last_serial() const { return last_serial_; }

 private:
  [[nodiscard]] Result<Json> make();

  const OrdersJob job_;
  archive::CancelFlag cancel_;
  io::Fd wake_;
  std::atomic<bool> has_ended_{false};
  std::mutex mutex_;
  std::vector<std::string> notes_;
  std::optional<Result<Json>> result_;
  uint64_t last_serial_ = 0;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace murder::fleet
