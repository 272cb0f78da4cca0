#include "cli/fleet/plan/frame_front.h"

#include <algorithm>

#include "cli/fleet/plan/host_result.h"

namespace murder::fleet {

std::string_view FrameFront::take(std::string_view part) {
  if (is_found_) {
    return part;
  }
  size_t from = 0;
  if (!has_mark_) {
    const size_t seen_before = seen_.size();
    seen_ += part;
    const size_t mark = seen_.find(frame_begin_mark);
    if (mark == std::string::npos) {
      const size_t kept = std::min(seen_.size(), frame_begin_mark.size() - 1);
      seen_.erase(0, seen_.size() - kept);
      return {};
    }
    has_mark_ = true;
    from = mark + frame_begin_mark.size() - seen_before;  // its last byte came with this part
    seen_.clear();
  }
  const size_t line_end = part.find('\n', from);
  if (line_end == std::string_view::npos) {
    return {};
  }
  is_found_ = true;
  return part.substr(line_end + 1);
}

}  // namespace murder::fleet
