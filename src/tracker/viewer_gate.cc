#include "tracker/viewer_gate.h"

#include <algorithm>

namespace murder::tracker {

using namespace limits;

std::optional<Duration> ViewerGate::admit(uint64_t page_bytes, Instant now) {
  const uint64_t bytes = std::max(page_bytes, viewer_page_bytes_min);
  const Duration share =
      std::chrono::nanoseconds(bytes * 1'000'000'000ULL / viewer_bytes_per_second);
  const Instant begins = std::max(paid_until_, now - viewer_burst);
  const Duration wait = std::max(Duration{}, begins - now);
  if (wait > viewer_wait_max) {
    return std::nullopt;
  }
  paid_until_ = begins + share;
  return wait;
}

bool FreshPages::take(Duration age, Instant now) {
  const Instant begins = std::max(paid_until_, now - fresh_pages_burst * page_kept_for);
  if (age < page_kept_for && begins + page_kept_for > now) {
    return false;
  }
  paid_until_ = begins + page_kept_for;
  return true;
}

}  // namespace murder::tracker
