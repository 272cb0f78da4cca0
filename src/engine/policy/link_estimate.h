// What this host's link can do, from what was seen: its rate, the way to neighbours, and what
// follows: how many pieces are sent and fetched at a time, and how early the next one is agreed on.
//
// The rate is that of the better direction over a window of some pieces without a gap, and its best
// is forgotten slowly, since a link that is not used says little. Pure; nothing allocates.
#pragma once

#include <cstdint>

#include "engine/base/geometry.h"
#include "engine/base/instant.h"

namespace murder::policy {

class LinkEstimate {
 public:
  static constexpr uint32_t slots_max = 8;

  explicit LinkEstimate(const Geometry& geometry)
      : piece_bytes_(geometry.piece_bytes), piece_count_(geometry.piece_count()) {
    choose_slots();
  }

  // A question and its answer took this long.
  void round_trip(Duration took);
  // A piece was sent or came, and these are the totals of each direction. True when a window ended:
  // the estimate may have changed.
  bool piece_moved(uint64_t downloaded_bytes, uint64_t uploaded_bytes, Instant now);

  // What neighbours report of their links, bytes a second. The latency in piece times goes by it,
  // so that they and we come to the same number of slots.
  void neighbours_rate(double usual) { usual_rate_ = usual; }

  [[nodiscard]] double bytes_per_second() const { return rate_; }  // 0: not known yet
  [[nodiscard]] Duration round_trip() const { return round_trip_; }
  // Of the window that ended last.
  [[nodiscard]] double download_rate() const { return download_rate_; }
  [[nodiscard]] double upload_rate() const { return upload_rate_; }
  // One-way latency in piece times, from the shortest of the round trips: what waits behind payload
  // in a socket or a switch says nothing of the way, and more pieces at a time would make that
  // longer. 0: not known yet.
  [[nodiscard]] double latency_in_piece_times() const;
  // Uploads, and downloads, of a whole piece at a time.
  [[nodiscard]] uint32_t slot_count() const { return slot_count_; }
  // How long a piece takes when all slots are busy; 0: not known yet.
  [[nodiscard]] Duration piece_duration() const;
  // The end of a piece of this size during whose way the next one is agreed on.
  [[nodiscard]] uint32_t tail_bytes(uint32_t size_bytes) const;
  // What is asked for ahead of one piece: the bytes of a round trip and of window_margin.
  [[nodiscard]] uint32_t window_bytes() const;

 private:
  void choose_slots();

  uint32_t piece_bytes_;
  uint32_t piece_count_;
  Duration round_trip_{};      // smoothed
  Duration min_round_trip_{};  // about the shortest
  double rate_ = 0;
  double usual_rate_ = 0;  // of neighbours; 0: not known
  double download_rate_ = 0;
  double upload_rate_ = 0;
  uint32_t slot_count_ = 2;
  Duration usual_interval_{};  // between two pieces; 0: not known yet
  Instant moved_at_{};
  // The window that is measured now.
  uint32_t window_pieces_ = 0;
  Instant window_began_{};
  uint64_t window_downloaded_ = 0;
  uint64_t window_uploaded_ = 0;
};

}  // namespace murder::policy
