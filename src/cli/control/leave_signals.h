// Signals while a rollout is followed, which goes on at the coordinator whatever happens here: ^C
// asks what to do, a second one and anything else that ends processes leave. For as long as it
// lives; one at a time in a process.
#pragma once

namespace murder::cli {

class LeaveSignals {
 public:
  LeaveSignals();
  LeaveSignals(const LeaveSignals&) = delete;
  LeaveSignals& operator=(const LeaveSignals&) = delete;
  ~LeaveSignals();

  // Whether ^C was typed since the last call.
  [[nodiscard]] bool take_interrupt();
  // The signal that asks to leave: SIGTERM, SIGHUP; 0: none did.
  [[nodiscard]] int leaving_signal() const;
};

}  // namespace murder::cli
