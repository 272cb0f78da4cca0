// How much of its time a tracker gives to those who look at its pages, so that announces never wait
// for them. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/instant.h"
#include "tracker/bounds.h"

namespace murder::tracker {

// Pages leave at limits::viewer_bytes_per_second, and what was not used for a while at once. A page
// counts as viewer_page_bytes_min at the least. On the thread of its service.
class ViewerGate {
 public:
  // How long a viewer waits for a page of this size, which is taken as sent; nullopt: longer than
  // limits::viewer_wait_max, and nothing is taken.
  [[nodiscard]] std::optional<Duration> admit(uint64_t page_bytes, Instant now);

 private:
  Instant paid_until_;  // by this time all admitted pages have their share
};

// How often a page is made anew for those who ask for it more often: limits::fresh_pages_burst
// times at once, then as time goes by.
class FreshPages {
 public:
  // Whether a page of this age is to be made anew.
  [[nodiscard]] bool take(Duration age, Instant now);

 private:
  Instant paid_until_;
};

}  // namespace murder::tracker
