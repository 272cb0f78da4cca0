// The pieces that are on their way, one in each piece buffer.
//
// A buffer is in exactly one state:
//   idle -> receiving; with several shards idle -> leasing (waits for the home shard)
//   leasing -> receiving; idle, when another shard has the piece
//   receiving -> verifying -> storing -> idle
//   verifying -> idle, when the hash is wrong or another copy was faster
//   leasing, receiving -> draining (given up, but a transport may still write into it) -> idle
// A unit (16 KiB of a piece) is in exactly one state: missing -> requested -> received, and back to
// missing when its request ended without data. A piece is handed on only when no unit is requested,
// so no transport writes into it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/base/bounds.h"
#include "engine/base/geometry.h"
#include "engine/base/instant.h"
#include "engine/swarm/session.h"

namespace murder::swarm {

inline constexpr uint32_t unit_bytes = limits::block_bytes_stock;

enum class UnitState : uint8_t { missing, requested, received };

// A peer some of a piece's bytes came from.
struct Contributor {
  SessionId session;
  Endpoint remote;
  PeerId peer_id;
  std::optional<Endpoint> listens_on;  // where it can be dialled, when we know
};

struct ActivePiece {
  enum class State : uint8_t { idle, leasing, receiving, verifying, storing, draining };

  State state = State::idle;
  PieceIndex piece;
  uint32_t size_bytes = 0;
  SessionId owner;          // asks for its missing units; none: an orphan anybody may take over
  bool solo = false;        // one contributor only, so that wrong data has one culprit
  bool granted = false;     // its owner granted it
  bool ending = false;      // granted, and no more than its tail is missing
  bool slotless = false;    // granted, and holds no slot: it is late, or its source on trial
  bool claimed = false;     // rack mates were told that it is fetched from outside
  uint32_t tail_units = 0;  // asked for in separate blocks
  std::vector<UnitState> units;
  uint32_t unit_count = 0;
  uint32_t missing_count = 0;
  uint32_t requested_count = 0;
  uint32_t front_count = 0;  // units received that lie before all others
  uint32_t round = 0;        // another one when the buffer's bytes begin anew
  std::vector<Contributor> contributors;
  Instant started_at{};
  Instant granted_at{};             // to its owner,
  uint32_t granted_units = 0;       // when this many had been received
  uint32_t moved_when_granted = 0;  // and this many pieces had come from anybody
  Instant orphaned_at{};
  Instant progressed_at{};  // a unit was asked for or came

  [[nodiscard]] uint32_t received_count() const {
    return unit_count - missing_count - requested_count;
  }
  // Bytes that are there, from the first one on without a gap.
  [[nodiscard]] uint32_t front_bytes() const {
    return std::min(front_count * unit_bytes, size_bytes);
  }
};

class ActivePieces {
 public:
  ActivePieces(const Geometry& geometry, uint32_t buffer_count);

  [[nodiscard]] uint32_t buffer_count() const { return static_cast<uint32_t>(pieces_.size()); }
  [[nodiscard]] uint32_t idle_count() const { return static_cast<uint32_t>(idle_.size()); }
  [[nodiscard]] ActivePiece& at(BufferIndex buffer) { return pieces_[buffer.raw]; }
  [[nodiscard]] const ActivePiece& at(BufferIndex buffer) const { return pieces_[buffer.raw]; }

  // Takes an idle buffer (there must be one) for the piece, all units missing, in state `leasing`
  // or `receiving`.
  BufferIndex start(PieceIndex piece, SessionId owner, bool leasing, Instant now);
  // Back to idle. No unit may be requested.
  void finish(BufferIndex buffer);

  // The piece is on its way in another buffer than `besides`.
  [[nodiscard]] bool has_other(PieceIndex piece, BufferIndex besides) const;

  // The buffers that are not idle, in no order.
  [[nodiscard]] std::span<const uint32_t> used() const { return used_; }

  // The next run of missing units of at most block_bytes, not into the tail from before it; they
  // become requested. The piece must have a missing unit.
  BlockRange take_missing(BufferIndex buffer, uint32_t block_bytes, Instant now);
  void mark_received(BufferIndex buffer, const BlockRange& block, const Contributor& from,
                     Instant now);
  void mark_missing(BufferIndex buffer, const BlockRange& block);
  // Received units become missing again (the piece failed, or its only contributor left).
  void restart(BufferIndex buffer);

 private:
  void change_units(ActivePiece& active, const BlockRange& block, UnitState from, UnitState to);

  Geometry geometry_;
  std::vector<ActivePiece> pieces_;
  std::vector<uint32_t> idle_;
  std::vector<uint32_t> used_;
  std::vector<uint32_t> position_;  // of a buffer in used_
};

}  // namespace murder::swarm
