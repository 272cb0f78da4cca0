// What a deploy keeps on the host of its coordinator for as long as it takes: RUN/coordinate-TOKEN,
// closed to others, with the state of its coordinator and where that listens. Killed at any moment,
// the deploy is continued from it. One `coordinate` of a deploy has it at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/fd.h"
#include "engine/base/result.h"

namespace murder::cli {

class DeployPlace {
 public:
  struct Coordinator {
    uint16_t port = 0;  // 0: none was started since the host booted
    int pid = 0;
  };

  // A `coordinate` of the same deploy that is at work there is killed: whoever started it has lost
  // it. What dead ones of other deploys left is removed.
  [[nodiscard]] static Result<DeployPlace> take(const std::string& run_directory,
                                                std::string_view token);

  // What a `coordinate` of that deploy left that is gone; of one that is at work nothing is.
  static void remove_left(const std::string& run_directory, std::string_view token);

  // What a `coordinate` of that deploy that is gone had started last.
  [[nodiscard]] static Coordinator left_coordinator(const std::string& run_directory,
                                                    std::string_view token);

  [[nodiscard]] const Coordinator& coordinator() const { return coordinator_; }
  [[nodiscard]] Status note(const Coordinator& coordinator);
  // For `murder tracker --state`.
  [[nodiscard]] std::string state() const;
  // At the end: an Error says what stays.
  [[nodiscard]] Status remove();

 private:
  DeployPlace(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  Fd lock_;
  Coordinator coordinator_;
};

}  // namespace murder::cli
