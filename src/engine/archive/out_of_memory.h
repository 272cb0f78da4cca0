// The end of a process that gets no memory any more (ulimit -v, a host without any): a message,
// exit status 1, and nothing half-made left behind. The engine has no exceptions, so that what owns
// a temporary file is not destroyed when an allocation fails deep below it.
#pragma once

#include <string>

namespace murder::archive {

// A path that is removed when the process ends for want of memory, for as long as this lives. A
// fixed number of them is known at a time; what is beyond it stays for the next run to remove.
class DoomedPath {
 public:
  explicit DoomedPath(const std::string& path);
  DoomedPath(DoomedPath&& other) noexcept;
  DoomedPath& operator=(DoomedPath&&) = delete;
  ~DoomedPath() { spare(); }

  // It is not removed any more.
  void spare();

 private:
  int slot_ = -1;
};

// For the start of main: from now on an allocation that fails ends the process as above.
void end_when_memory_is_out();

}  // namespace murder::archive
