#include "engine/policy/link_estimate.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::policy {
namespace {

constexpr uint32_t window_pieces_min = 4;
// Shorter, and what comes in one burst from a socket's buffer looks like the rate of the link.
constexpr Duration window_min = std::chrono::milliseconds(2);
constexpr int gap_factor = 4;  // usual intervals without a piece: the link was not asked for any
constexpr double rate_kept = 1 - 1.0 / 32;  // of the best rate, at each window

constexpr uint32_t pieces_for_two_slots = 64;
// Four slots from a latency of 0.075 piece times, eight from 0.3.
constexpr uint32_t slots_min = 2;
constexpr double latency_for_most_slots = 0.3;
// With few pieces, two slots from 0.075, four from 0.3, eight from 1.2: each slot makes every hop
// longer, and few pieces follow it.
constexpr uint32_t slots_min_of_few = 1;
constexpr double latency_for_most_slots_of_few = 1.2;
constexpr double latency_step = 4;
constexpr double latency_kept = 0.6;
// A piece that takes a millisecond is not much longer than a busy host takes until it is scheduled,
// however short the way. 16 hosts on two cores, 1 MiB: 0.15 to 0.18 s, without this 0.19 to 0.25 s.
constexpr uint32_t tiny_piece_bytes = 32 * 1024;
constexpr Duration tiny_piece_latency = std::chrono::microseconds(450);
// The shortest round trip is forgotten by this part with each that is longer.
constexpr int64_t round_trip_kept = 256;
// How long a host may take from a block to the next request, with a core that others use too.
constexpr Duration window_margin = std::chrono::milliseconds(2);
constexpr double tail_share_min = 0.1;
constexpr double tail_share_max = 0.5;

}  // namespace

void LinkEstimate::round_trip(Duration took) {
  if (round_trip_ == Duration{}) {
    round_trip_ = took;
  } else {
    // One answer that was held up says little.
    const Duration counted = std::min(took, 4 * round_trip_);
    round_trip_ += (counted - round_trip_) / 16;
  }
  min_round_trip_ = min_round_trip_ == Duration{}
                        ? took
                        : std::min(took, min_round_trip_ + min_round_trip_ / round_trip_kept);
  choose_slots();
}

bool LinkEstimate::piece_moved(uint64_t downloaded_bytes, uint64_t uploaded_bytes, Instant now) {
  const bool gap = usual_interval_ > Duration{} && now - moved_at_ > gap_factor * usual_interval_;
  const bool running = window_began_ != Instant{} && !gap;
  if (gap) {
    usual_interval_ += usual_interval_ / 2;  // or it is slower now
  }
  moved_at_ = now;
  ++window_pieces_;
  if (running && (window_pieces_ < window_pieces_min || now - window_began_ < window_min)) {
    return false;
  }
  if (running) {
    // Totals, which never fall.
    ENSURE(downloaded_bytes >= window_downloaded_ && uploaded_bytes >= window_uploaded_);
    const double seconds = seconds_of(now - window_began_);
    download_rate_ = static_cast<double>(downloaded_bytes - window_downloaded_) / seconds;
    upload_rate_ = static_cast<double>(uploaded_bytes - window_uploaded_) / seconds;
    rate_ = std::max({download_rate_, upload_rate_, rate_ * rate_kept});
    usual_interval_ = (now - window_began_) / window_pieces_;
    choose_slots();
  }
  window_pieces_ = 0;
  window_began_ = now;
  window_downloaded_ = downloaded_bytes;
  window_uploaded_ = uploaded_bytes;
  return running;
}

double LinkEstimate::latency_in_piece_times() const {
  const double rate = usual_rate_ > 0 ? usual_rate_ : rate_;
  const bool is_tiny = piece_bytes_ <= tiny_piece_bytes && min_round_trip_ > Duration{};
  const Duration latency =
      is_tiny ? std::max(min_round_trip_ / 2, tiny_piece_latency) : min_round_trip_ / 2;
  return seconds_of(latency) * rate / std::max(1U, piece_bytes_);
}

void LinkEstimate::choose_slots() {
  // Back only when it is clearly less: what is measured wavers, and a different number at two ends
  // costs more than a few too many.
  const double measured = latency_in_piece_times();
  uint32_t count = slots_max;
  const bool are_few = piece_count_ < pieces_for_two_slots;
  const uint32_t least = are_few ? slots_min_of_few : slots_min;
  double enough = are_few ? latency_for_most_slots_of_few : latency_for_most_slots;
  while (count > least && measured <= enough * (slot_count_ >= count ? latency_kept : 1)) {
    count /= 2;
    enough /= latency_step;
  }
  ENSURE(count >= least);
  slot_count_ = count;
}

Duration LinkEstimate::piece_duration() const {
  return rate_ <= 0 ? Duration{}
                    : Duration(static_cast<int64_t>(1e9 * piece_bytes_ * slot_count_ / rate_));
}

uint32_t LinkEstimate::tail_bytes(uint32_t size_bytes) const {
  // The news that it ends, the grant, the request, the data: four latencies of one slot's rate, and
  // two more for what those wait behind other payload. 300 simulated hosts, 1 GiB: 1.078 times the
  // floor with six, 1.083 with four, 1.080 with eight, 1.10 with twelve.
  constexpr double round_trips = 3;
  const double bytes = round_trips * seconds_of(round_trip_) * rate_ / slot_count_;
  const double least = tail_share_min * size_bytes;
  const double most = tail_share_max * size_bytes;
  return static_cast<uint32_t>(std::clamp(bytes, least, most));
}

uint32_t LinkEstimate::window_bytes() const {
  if (rate_ <= 0) {
    return piece_bytes_;
  }
  const double bytes = seconds_of(min_round_trip_ + window_margin) * rate_;
  return static_cast<uint32_t>(std::min<double>(bytes, piece_bytes_));
}

}  // namespace murder::policy
