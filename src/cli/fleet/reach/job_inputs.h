// The standard inputs of jobs as open files, made once for all jobs of a kind.
#pragma once

#include <map>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/sockets.h"

namespace murder::fleet {

class JobInputs {
 public:
  // Of whoever is meant by `kind`: these bytes, or an open file from its start. -1: it has none.
  [[nodiscard]] Result<int> of(const void* kind, std::string_view bytes, int fd);

 private:
  // What it was made of: a kind may get another input for later jobs.
  struct Opened {
    io::Fd file;
    std::string_view bytes;  // its place, not its content
    int fd = -1;
  };
  std::map<const void*, Opened> open_;
};

}  // namespace murder::fleet
