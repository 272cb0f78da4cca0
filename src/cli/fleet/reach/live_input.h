// Standard input of a launched process that is written while it runs. What the process has not
// taken yet is kept; its owner bounds what it writes.
//
//   made -> started (the process has it) -> ended (end() was asked for and all is sent, or nobody
//   reads any more)
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/sockets.h"

namespace murder::fleet {

class LiveInput {
 public:
  [[nodiscard]] static Result<LiveInput> make();

  // The end that the process gets; -1 once it was started.
  [[nodiscard]] int reading_fd() const { return reading_.get(); }
  void started() { reading_.reset(); }

  void write(std::string_view text);
  // The process reads the end of its input behind what was written.
  void end();
  // Sends what is taken now, without waiting.
  void send();
  // To be polled for writing; -1: there is nothing to send.
  [[nodiscard]] int wait_fd() const;

 private:
  LiveInput() = default;

  io::Fd reading_;
  io::Fd writing_;
  std::string unsent_;
  size_t sent_bytes_ = 0;  // of unsent_
  bool is_ending_ = false;
};

}  // namespace murder::fleet
