// What puts a fetched release into its place beside the download: in this process (delivery.h), or
// in one that kept the rights of root (root_helper.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/callback.h"
#include "engine/base/result.h"
#include "engine/host/progress.h"

namespace murder::host {

// What is told that a delivery has ended: called on its thread, last of all.
using DeliveryEnd = Callback<void()>;

class DeliveryWork {
 public:
  virtual ~DeliveryWork() = default;

  // So many bytes from the start of the archive are verified and written. Never fewer than before.
  virtual void advance(uint64_t bytes) = 0;
  virtual void cancel() = 0;
  virtual void join() = 0;
  // The path of what was delivered. After join().
  [[nodiscard]] virtual const Result<std::string>& result() const = 0;
  // What was fetched is other content than was signed. After join().
  [[nodiscard]] virtual bool found_other_content() const = 0;
  // What a person should know of it. After join().
  [[nodiscard]] virtual const std::vector<std::string>& warnings() const = 0;
  // What came of DeliveryOptions::record. After join().
  [[nodiscard]] virtual const Status& recorded() const = 0;
  [[nodiscard]] virtual Progress progress() const = 0;
  [[nodiscard]] virtual std::string_view phase() const = 0;
};

}  // namespace murder::host
