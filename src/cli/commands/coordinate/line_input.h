// Lines of JSON on standard input, as they come. Reading never waits.
#pragma once

#include <string>
#include <vector>

#include "engine/base/json.h"

namespace murder::cli {

class LineInput {
 public:
  LineInput();

  // The objects that have come since; what is none is passed over.
  [[nodiscard]] std::vector<Json> take();
  // Whoever wrote them is gone, or has said all.
  [[nodiscard]] bool has_ended() const { return has_ended_; }
  // To be polled for reading; -1: it has ended.
  [[nodiscard]] int wait_fd() const;

 private:
  std::string text_;  // of a line that is not whole
  bool has_ended_ = false;
};

}  // namespace murder::cli
