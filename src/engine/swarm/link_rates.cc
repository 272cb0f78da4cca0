#include "engine/swarm/link_rates.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/swarm/grants.h"

namespace murder::swarm {

namespace {

constexpr Duration newcomer_patience_min = std::chrono::milliseconds(300);
constexpr Duration newcomer_patience_unknown = std::chrono::milliseconds(500);
constexpr double slow_share = 0.3;       // of the usual rate
constexpr uint32_t told_rates_min = 8;   // neighbours of which it is known, to tell what is usual
constexpr double rate_weight = 0.3;      // of the last tick, in a session's smoothed rate
constexpr double tick_seconds_max = 10;  // a clock that jumps says nothing of rates

}  // namespace

LinkRates::LinkRates(Context& context)
    : config_(context.config),
      stats_(context.stats),
      sessions_(context.sessions),
      link_(config_.geometry) {
  told_rates_.reserve(config_.sessions_max);
}

bool LinkRates::piece_moved(Instant now) {
  return link_.piece_moved(stats_.downloaded_bytes, stats_.uploaded_bytes, now);
}

void LinkRates::compare() {
  const double own = link_.bytes_per_second() / bytes_per_kib;
  told_rates_.clear();
  bool all_believed = true;
  sessions_.each([&](SessionId, const Session& session) {
    if (session.state != Session::State::open || session.grants.told_rate == 0) {
      return;
    }
    const bool exchanges = session.proven || (session.grants.given.confirmed() > 0 &&
                                              !session.only_takes(sessions_.has_takers()));
    if (session.grants.unused_in_row > 0 || !exchanges) {
      all_believed = false;  // who takes nothing has no rate
    } else {
      told_rates_.push_back(session.grants.told_rate);
    }
  });
  if (told_rates_.size() < told_rates_min) {
    if (!all_believed) {
      usual_rate_ = 0;
      link_.neighbours_rate(0);
      own_link_is_slow_ = false;
    }
    return;
  }
  const auto middle = told_rates_.begin() + static_cast<std::ptrdiff_t>(told_rates_.size() / 2);
  std::nth_element(told_rates_.begin(), middle, told_rates_.end());
  usual_rate_ = *middle;
  link_.neighbours_rate(usual_rate_ * bytes_per_kib);
  own_link_is_slow_ = own > 0 && own < slow_share * usual_rate_;
}

bool LinkRates::is_slow(const Session& session) const {
  return session.grants.told_rate > 0 && session.grants.told_rate < slow_share * usual_rate_;
}

// What its link needs for some pieces, by what it says of it.
Duration LinkRates::ending_patience(const Session& session) const {
  if (session.grants.given.confirmed() > 0) {
    return ending_patience_max;
  }
  if (link_.piece_duration() == Duration{}) {
    return newcomer_patience_unknown;
  }
  const double told = session.grants.told_rate * bytes_per_kib;
  const double seconds = told > 0 ? config_.geometry.piece_bytes * link_.slot_count() / told : 0;
  const Duration own = Duration(static_cast<int64_t>(1e9 * std::min(seconds, 10.0)));
  return std::max({4 * link_.piece_duration(), 4 * own, newcomer_patience_min});
}

void LinkRates::update(Instant now) {
  const double seconds = seconds_of(now - updated_at_);
  updated_at_ = now;
  if (seconds <= 0 || seconds > tick_seconds_max) {
    return;
  }
  sessions_.each([&](SessionId, Session& session) {
    if (session.requested_bytes == 0 &&
        session.downloaded_bytes == session.downloaded_bytes_at_tick) {
      return;  // nothing is asked of it: that says nothing of its rate
    }
    ENSURE(session.downloaded_bytes >= session.downloaded_bytes_at_tick);
    const uint64_t bytes = session.downloaded_bytes - session.downloaded_bytes_at_tick;
    session.downloaded_bytes_at_tick = session.downloaded_bytes;
    const double rate = static_cast<double>(bytes) / seconds;
    session.download_rate += rate_weight * (rate - session.download_rate);
  });
}

std::string_view LinkRates::check() const {
  if (own_link_is_slow_ && usual_rate_ <= 0) {
    return "our link is slow against nothing";
  }
  return told_rates_.size() > sessions_.capacity() ? "more rates are told than there are sessions"
                                                   : std::string_view();
}

}  // namespace murder::swarm
