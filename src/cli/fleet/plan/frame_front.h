// What stands in front of the output of a framed command (framed_command.h), skipped while that
// output comes: for a command whose output is passed on. Pure.
#pragma once

#include <string>
#include <string_view>

namespace murder::fleet {

class FrameFront {
 public:
  // Of a part as it comes, what is the command's own; valid as long as the part.
  [[nodiscard]] std::string_view take(std::string_view part);
  [[nodiscard]] bool is_found() const { return is_found_; }

 private:
  std::string seen_;  // the end of what came, as far as the mark may begin in it
  bool has_mark_ = false;
  bool is_found_ = false;
};

}  // namespace murder::fleet
