// Puts a fetched release into its place, on a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "cli/progress.h"
#include "engine/archive/observer.h"
#include "engine/base/result.h"
#include "engine/codec/metainfo.h"

namespace murder::cli {

struct DeliveryOptions {
  std::string archive_path;
  std::string to;   // absolute
  std::string tag;  // empty: DIR itself
  bool replace = false;
  uint64_t unpacked_bytes_max = 0;
};

// What can be known before the first byte is fetched: whether the target may take the release.
[[nodiscard]] Status check_target(const DeliveryOptions& options, const codec::Metainfo& metainfo);

// Starts at once. `done` is called on the delivery's thread, last of all; then join() and result().
class Delivery final : private archive::Observer {
 public:
  Delivery(const DeliveryOptions& options, const codec::Metainfo& metainfo,
           std::function<void()> done);
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;
  ~Delivery() override;

  void cancel() { cancel_.set(); }
  void join();
  // The path of what was delivered. After join().
  [[nodiscard]] const Result<std::string>& result() const { return result_; }
  [[nodiscard]] Progress progress() const;
  [[nodiscard]] std::string_view phase() const { return unpacks_ ? "unpacking" : "copying"; }

 private:
  void progress(const archive::Progress& progress) override;
  [[nodiscard]] Result<std::string> deliver();

  DeliveryOptions options_;
  const codec::Metainfo& metainfo_;
  bool unpacks_;
  archive::CancelFlag cancel_;
  std::atomic<uint64_t> bytes_done_{0};
  std::atomic<uint64_t> bytes_total_{0};
  Result<std::string> result_;
  std::thread thread_;
};

}  // namespace murder::cli
