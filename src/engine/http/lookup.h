// Host names to addresses, for whoever connects on a reactor.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/result.h"
#include "engine/http/bounds.h"

namespace murder::http {

// Blocks as long as the system's resolver likes. Addresses in the order to try them, at least one.
[[nodiscard]] Result<std::vector<IpAddress>> look_up_blocking(const std::string& host);

// One name being resolved on its own thread, at most limits::lookups_max at once in a process.
// Shared by that thread and the one that asked; the last of the two to let go frees it, so that
// whoever asked need not wait for a resolver that hangs.
class Lookup {
 public:
  // Errors: too many at once, or no thread to be had.
  [[nodiscard]] static Result<Lookup*> start(const std::string& host);
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // Becomes readable when the result is there.
  [[nodiscard]] int event_fd() const { return event_fd_; }
  // Only after that.
  [[nodiscard]] const Result<std::vector<IpAddress>>& result() const { return result_; }
  // The asking thread is done with it.
  void release();

 private:
  Lookup(std::string host, int event_fd);
  ~Lookup();
  static void* run(void* lookup);

  std::string host_;
  int event_fd_;
  std::atomic<int> owners_{2};
  Result<std::vector<IpAddress>> result_;
};

}  // namespace murder::http
