#include "engine/policy/stock_share.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::policy {
namespace {

constexpr uint32_t stock_part = 16;  // one byte in this many
constexpr int64_t credit_bytes_max = 256 * 1024;
constexpr Duration share_window_min = std::chrono::milliseconds(200);
constexpr uint32_t share_window_blocks_min = 8;
// Of what the links of others take. Where they get their pieces from several, none gives that much.
constexpr double about_all = 0.8;
// Of this host's link.
constexpr double little = 0.25;
// For a moment both may be so in a swarm that needs all there is.
constexpr Duration room_for = std::chrono::seconds(2);

}  // namespace

void StockShare::begin_window(Instant now) {
  window_began_ = now;
  window_bytes_ = 0;
  window_blocks_ = 0;
}

void StockShare::on_own_block_started(Instant now) {
  if (own_at_ == Instant{} || now - own_at_ > quiet_after) {
    has_room_ = false;
    room_since_ = now;
    credit_bytes_ = 0;
    begin_window(now);
  }
  own_at_ = now;
}

bool StockShare::on_own_block_sent(uint32_t size_bytes, Instant now) {
  on_own_block_started(now);
  credit_bytes_ = std::min(credit_bytes_ + size_bytes / stock_part, credit_bytes_max);
  window_bytes_ += size_bytes;
  ++window_blocks_;
  return now - window_began_ >= share_window_min && window_blocks_ >= share_window_blocks_min;
}

void StockShare::window_ended(const Rates& rates, Instant now) {
  ENSURE(now > window_began_);
  const double own = static_cast<double>(window_bytes_) / seconds_of(now - window_began_);
  const bool gives_all = rates.takes > 0 && own >= about_all * rates.takes;
  const bool gives_little = own <= little * rates.link;
  if (!gives_all && !gives_little) {
    room_since_ = now;
  }
  has_room_ = now - room_since_ >= room_for;
  begin_window(now);
}

bool StockShare::may_send(Instant now) const {
  const bool is_quiet = own_at_ == Instant{} || now - own_at_ > quiet_after;
  return is_quiet || has_room_ || credit_bytes_ > 0;
}

void StockShare::on_stock_block_started(uint32_t size_bytes) {
  credit_bytes_ = std::max(credit_bytes_ - size_bytes, -credit_bytes_max);
}

}  // namespace murder::policy
