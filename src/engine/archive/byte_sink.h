// Where bytes go, in order.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/result.h"

namespace murder::archive {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Takes all of it or fails; after an Error nothing more may be written.
  [[nodiscard]] virtual Status write(std::span<const uint8_t> bytes) = 0;
};

}  // namespace murder::archive
