#include "engine/swarm/active_pieces.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::swarm {

namespace {

constexpr size_t contributors_usual = 4;

}  // namespace

ActivePieces::ActivePieces(const Geometry& geometry, uint32_t buffer_count)
    : geometry_(geometry), pieces_(buffer_count), position_(buffer_count) {
  idle_.reserve(buffer_count);
  used_.reserve(buffer_count);
  for (ActivePiece& piece : pieces_) {
    piece.units.reserve((geometry_.piece_bytes + unit_bytes - 1) / unit_bytes);
    piece.contributors.reserve(contributors_usual);
  }
  for (uint32_t buffer = buffer_count; buffer > 0; --buffer) {
    idle_.push_back(buffer - 1);
  }
}

BufferIndex ActivePieces::start(PieceIndex piece, SessionId owner, bool leasing, Instant now) {
  ENSURE(!idle_.empty());
  const BufferIndex buffer{idle_.back()};
  idle_.pop_back();
  position_[buffer.raw] = static_cast<uint32_t>(used_.size());
  used_.push_back(buffer.raw);
  ActivePiece& active = at(buffer);
  ENSURE(active.state == ActivePiece::State::idle);
  active.state = leasing ? ActivePiece::State::leasing : ActivePiece::State::receiving;
  active.piece = piece;
  active.size_bytes = geometry_.piece_size(piece);
  active.owner = owner;
  active.solo = false;
  active.granted = false;
  active.ending = false;
  active.slotless = false;
  active.claimed = false;
  active.tail_units = 0;
  active.unit_count = (active.size_bytes + unit_bytes - 1) / unit_bytes;
  active.units.assign(active.unit_count, UnitState::missing);
  active.missing_count = active.unit_count;
  active.requested_count = 0;
  active.front_count = 0;
  ++active.round;
  active.contributors.clear();
  active.started_at = now;
  active.orphaned_at = now;
  active.progressed_at = now;
  return buffer;
}

void ActivePieces::finish(BufferIndex buffer) {
  ActivePiece& active = at(buffer);
  ENSURE(active.state != ActivePiece::State::idle);
  ENSURE(active.requested_count == 0);
  active.state = ActivePiece::State::idle;
  active.owner = {};
  idle_.push_back(buffer.raw);
  ENSURE(used_[position_[buffer.raw]] == buffer.raw);
  used_[position_[buffer.raw]] = used_.back();
  position_[used_.back()] = position_[buffer.raw];
  used_.pop_back();
}

BlockRange ActivePieces::take_missing(BufferIndex buffer, uint32_t block_bytes, Instant now) {
  ActivePiece& active = at(buffer);
  active.progressed_at = now;
  ENSURE(active.state == ActivePiece::State::receiving && active.missing_count > 0);
  const auto first = std::find(active.units.begin(), active.units.end(), UnitState::missing);
  const auto tail = active.units.end() - active.tail_units;
  const auto limit = first < tail ? tail : active.units.end();
  const uint32_t units_max = std::max(1U, block_bytes / unit_bytes);
  auto last = first;
  while (last != limit && *last == UnitState::missing &&
         static_cast<uint32_t>(last - first) < units_max) {
    *last = UnitState::requested;
    ++last;
  }
  const auto count = static_cast<uint32_t>(last - first);
  ENSURE(count > 0 && count <= active.missing_count);
  active.missing_count -= count;
  active.requested_count += count;
  const uint32_t offset = static_cast<uint32_t>(first - active.units.begin()) * unit_bytes;
  return {active.piece, offset, std::min(count * unit_bytes, active.size_bytes - offset)};
}

void ActivePieces::change_units(ActivePiece& active, const BlockRange& block, UnitState from,
                                UnitState to) {
  ENSURE(active.piece == block.piece && block.offset % unit_bytes == 0);
  const uint32_t first = block.offset / unit_bytes;
  const uint32_t count = (block.size_bytes + unit_bytes - 1) / unit_bytes;
  ENSURE(first + count <= active.unit_count);
  for (uint32_t unit = first; unit < first + count; ++unit) {
    ENSURE(active.units[unit] == from);
    active.units[unit] = to;
  }
  ENSURE(count <= active.requested_count);
  active.requested_count -= count;
  if (to == UnitState::missing) {
    active.missing_count += count;
  }
}

void ActivePieces::mark_received(BufferIndex buffer, const BlockRange& block,
                                 const Contributor& from, Instant now) {
  ActivePiece& active = at(buffer);
  ENSURE(active.state == ActivePiece::State::receiving);
  active.progressed_at = now;
  change_units(active, block, UnitState::requested, UnitState::received);
  while (active.front_count < active.unit_count &&
         active.units[active.front_count] == UnitState::received) {
    ++active.front_count;
  }
  const bool known =
      std::any_of(active.contributors.begin(), active.contributors.end(),
                  [&](const Contributor& one) { return one.session == from.session; });
  if (!known) {
    active.contributors.push_back(from);
  }
}

void ActivePieces::mark_missing(BufferIndex buffer, const BlockRange& block) {
  change_units(at(buffer), block, UnitState::requested, UnitState::missing);
}

void ActivePieces::restart(BufferIndex buffer) {
  ActivePiece& active = at(buffer);
  for (UnitState& unit : active.units) {
    if (unit == UnitState::received) {
      unit = UnitState::missing;
      ++active.missing_count;
    }
  }
  active.front_count = 0;
  ++active.round;
  active.contributors.clear();
}

bool ActivePieces::has_other(PieceIndex piece, BufferIndex besides) const {
  for (uint32_t index = 0; index < buffer_count(); ++index) {
    const ActivePiece& active = at({index});
    if (index != besides.raw && active.piece == piece && active.state != ActivePiece::State::idle &&
        active.state != ActivePiece::State::draining) {
      return true;
    }
  }
  return false;
}

}  // namespace murder::swarm
