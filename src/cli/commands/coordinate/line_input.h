// Lines of JSON on standard input, as they come. Reading never waits.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/json.h"
#include "engine/base/result.h"

namespace murder::cli {

class LineInput {
 public:
  LineInput();

  // The first object, waited for; what comes behind it stays for take(). Error: none came.
  [[nodiscard]] Result<Json> wait_for_first(Duration most);
  // The objects that have come since; what is none is passed over.
  [[nodiscard]] std::vector<Json> take();
  // Whoever wrote them is gone, or has said all.
  [[nodiscard]] bool has_ended() const { return has_ended_; }
  // To be polled for reading; -1: it has ended.
  [[nodiscard]] int wait_fd() const;

 private:
  void fill();
  [[nodiscard]] std::optional<Json> next();

  std::string text_;  // of a line that is not whole
  bool has_ended_ = false;
};

}  // namespace murder::cli
