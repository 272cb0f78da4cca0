#include "engine/swarm/piece_table.h"

#include <span>

#include "engine/base/ensure.h"

namespace murder::swarm {

PieceTable::PieceTable(const BitSet& have, uint32_t sessions_max, Prng& prng)
    : have_(have),
      stored_(have),
      suspicious_(have.size()),
      states_(have.size(), State::missing),
      picker_(have.size(), sessions_max) {
  std::vector<PieceIndex> missing;
  for (uint32_t piece = have_.find_unset(0); piece < have_.size();
       piece = have_.find_unset(piece + 1)) {
    missing.push_back({piece});
  }
  have_.for_each([&](uint32_t piece) { states_[piece] = State::had; });
  prng.shuffle(std::span(missing));
  for (const PieceIndex piece : missing) {
    picker_.want(piece, prng);
  }
}

void PieceTable::mark_active(PieceIndex piece) {
  ENSURE(states_[piece.raw] == State::missing);
  picker_.unwant(piece);
  states_[piece.raw] = State::active;
}

bool PieceTable::mark_missing(PieceIndex piece, Prng& prng) {
  ENSURE(states_[piece.raw] != State::had);
  if (states_[piece.raw] == State::missing) {
    return false;
  }
  states_[piece.raw] = State::missing;
  picker_.want(piece, prng);
  return true;
}

void PieceTable::mark_elsewhere(PieceIndex piece) {
  ENSURE(states_[piece.raw] == State::active);
  states_[piece.raw] = State::elsewhere;
}

void PieceTable::mark_have(PieceIndex piece) {
  ENSURE(states_[piece.raw] != State::had);
  if (picker_.is_wanted(piece)) {
    picker_.unwant(piece);
  }
  states_[piece.raw] = State::had;
  have_.set(piece.raw);
}

std::string_view PieceTable::check() const {
  for (uint32_t piece = 0; piece < have_.size(); ++piece) {
    if ((states_[piece] == State::missing) != picker_.is_wanted({piece}) ||
        (states_[piece] == State::had) != have_.test(piece)) {
      return "a piece's state is not that of the picker or of what we have";
    }
  }
  return picker_.check();
}

}  // namespace murder::swarm
