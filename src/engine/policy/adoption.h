// Whether a peer may continue a piece that another left half done. Pure.
#pragma once

namespace murder::policy {

struct HalfDonePiece {
  bool is_orphan = false;     // it is received, and nobody asks for what it misses
  bool misses_some = false;   // nobody was asked for some of it
  bool is_untouched = false;  // nobody was asked for any of it
  bool is_solo = false;       // one contributor only, so that wrong data has one culprit
};

struct Adopter {
  bool has_piece = false;
  bool is_suspect = false;  // it took part in a piece that failed: it shares none
};

[[nodiscard]] inline bool may_adopt(const HalfDonePiece& piece, const Adopter& adopter) {
  return piece.is_orphan && piece.misses_some && adopter.has_piece &&
         (piece.is_untouched || (!piece.is_solo && !adopter.is_suspect));
}

}  // namespace murder::policy
