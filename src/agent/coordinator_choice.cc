#include "agent/coordinator_choice.h"

#include <algorithm>
#include <utility>

#include "agent/bounds.h"
#include "engine/base/ensure.h"

namespace murder::agent {

CoordinatorChoice::CoordinatorChoice(std::vector<codec::ServerPlace> coordinators, uint64_t seed)
    : coordinators_(std::move(coordinators)), prng_(seed) {
  ENSURE(!coordinators_.empty());
  index_ = prng_.below(static_cast<uint32_t>(coordinators_.size()));
}

const codec::ServerPlace& CoordinatorChoice::current() const {
  return leader_ ? *leader_ : coordinators_[index_];
}

Duration CoordinatorChoice::failed() {
  leader_.reset();
  redirect_count_ = 0;
  index_ = (index_ + 1) % coordinators_.size();
  // Those that were not tried yet in this round cost no more wait than the first.
  const auto round = static_cast<uint32_t>(failure_count_++ / coordinators_.size());
  constexpr uint32_t doublings_max = 16;
  const Duration most =
      std::min<Duration>(limits::agent_backoff_first * (1U << std::min(round, doublings_max)),
                         limits::agent_backoff_max);
  return std::chrono::duration_cast<Duration>(most * prng_.unit());
}

Duration CoordinatorChoice::redirected(const HostPort& leader) {
  if (redirect_count_ > 0) {
    return failed();
  }
  ++redirect_count_;
  const auto known = std::ranges::find_if(coordinators_, [&leader](const codec::ServerPlace& each) {
    return static_cast<const HostPort&>(each) == leader;
  });
  codec::ServerPlace place = known == coordinators_.end() ? current() : *known;
  static_cast<HostPort&>(place) = leader;
  leader_ = std::move(place);
  return Duration::zero();
}

void CoordinatorChoice::succeeded() {
  failure_count_ = redirect_count_ = 0;
}

}  // namespace murder::agent
