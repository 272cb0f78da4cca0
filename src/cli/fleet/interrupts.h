// ^C in three steps: the first asks the work to end, the second asks cleaning up to end as well,
// the third ends the process at once. A hangup asks the work to end and no more, however often it
// comes: a pane that is closed sends it from the kernel and from its shell, and nobody is there who
// could want the clean-up to stop. One at a time in a process.
#pragma once

#include "engine/archive/observer.h"

namespace murder::fleet {

class Interrupts {
 public:
  Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  ~Interrupts();

  [[nodiscard]] const archive::CancelFlag& work() const;
  [[nodiscard]] const archive::CancelFlag& cleaning_up() const;
  // The first one was a hangup: nobody is there any more.
  [[nodiscard]] bool is_hangup() const;
  // Who asked wants the work to go on: the next ^C is the first one again.
  void forget() const;
};

}  // namespace murder::fleet
