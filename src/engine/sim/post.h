// What is on its way to hosts from the network and the tracker, until the next window takes it.
// Written between windows, by one thread; each region's mail is taken by the thread that advances
// it.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/sim/fleet.h"
#include "engine/sim/region.h"

namespace murder::sim {

class Post {
 public:
  explicit Post(const Fleet& fleet) : fleet_(fleet), mails_(fleet.regions().size()) {}
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;
  // What was never taken.
  ~Post();

  void deliver(uint32_t host, const Event& event) {
    mails_[fleet_.region_of(host)].push_back({host, event});
    next_at_ = std::min(next_at_, event.when);
  }

  // Of all that was delivered since `all_taken`.
  [[nodiscard]] Instant next_at() const { return next_at_; }
  // take(mail) for each to a host of the region.
  template <typename Take>
  void take(uint32_t region, Take&& take) {
    for (const Mail& mail : mails_[region]) {
      take(mail);
    }
    mails_[region].clear();
  }
  // Every region's mail was taken.
  void all_taken() { next_at_ = instant_never; }

 private:
  const Fleet& fleet_;
  std::vector<std::vector<Mail>> mails_;  // by the receiver's region
  Instant next_at_ = instant_never;
};

}  // namespace murder::sim
