// A delivery by the helper that kept the rights of root (root_helper.h), as the peer sees it.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "engine/host/delivery_work.h"
#include "engine/host/root_helper.h"
#include "engine/io/sockets.h"

namespace murder::host {

// Starts at once. A thread talks to the helper, since that may have to wait; `end` is told on
// it, last of all. Until then nobody else talks to the helper.
class HelpedDelivery final : public DeliveryWork {
 public:
  HelpedDelivery(RootHelper& helper, std::string archive_path, std::string phase, DeliveryEnd end);
  HelpedDelivery(const HelpedDelivery&) = delete;
  HelpedDelivery& operator=(const HelpedDelivery&) = delete;
  ~HelpedDelivery() override;

  void advance(uint64_t bytes) override;
  void cancel() override;
  void join() override;
  [[nodiscard]] const Result<std::string>& result() const override { return result_; }
  [[nodiscard]] const std::vector<std::string>& warnings() const override { return warnings_; }
  [[nodiscard]] const Status& recorded() const override { return recorded_; }
  [[nodiscard]] bool found_other_content() const override { return found_other_content_; }
  [[nodiscard]] Progress progress() const override;
  [[nodiscard]] std::string_view phase() const override { return phase_; }

 private:
  void wake();
  void run();
  [[nodiscard]] Status start();
  // What has changed since the last time.
  [[nodiscard]] Status tell_changes();
  // Whether that was the last.
  [[nodiscard]] Result<bool> take(const Json& message);

  RootHelper& helper_;
  const std::string archive_path_;
  const std::string phase_;
  io::Fd changed_;  // eventfd
  std::atomic<uint64_t> front_bytes_{0};
  std::atomic<bool> is_cancelled_{false};
  std::atomic<uint64_t> bytes_done_{0};
  std::atomic<uint64_t> bytes_total_{0};
  uint64_t told_bytes_ = 0;
  bool told_cancel_ = false;
  Result<std::string> result_;
  std::vector<std::string> warnings_;
  Status recorded_;
  bool found_other_content_ = false;
  std::thread thread_;
};

}  // namespace murder::host
