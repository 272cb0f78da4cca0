// How our own peers share work. The uploader picks the peer, the downloader picks the piece, and
// nothing is queued: a grant is an unchoke for one piece.
//
// A grant, at the uploader, is in exactly one state:
//   offered -> accepted (its first request came) -> gone
// It is gone when the peer declines it, says that the piece is ending or had, cancels it, or is
// gone itself; when it does not answer (grant_patience) or does not take what it asked for. Each
// holds one of the upload slots, but those to slow neighbours (at most grants_to_slow_max) and on
// trial (at most grants_on_trial_max): to one that left its last grant unused, and, when many
// grants were unanswered lately, to one that never had a piece from us; and one to a neighbour that
// only takes (policy/exchange.h).
// A granted piece, at the downloader (ActivePiece::granted), holds one of as many download slots:
//   [leasing ->] receiving -> receiving, ending (no slot any more) -> whole
// It ends when all of it is asked for and no more than its tail is missing: then the uploader
// is told, and by that time both sides agree on the next piece, so that the links do not idle.
//
// A host with a free download slot tells the neighbours that have something for it, once, and again
// when it has none left. A host that declined a grant is granted no other before it says that it is
// free again. So what an uploader knows of a neighbour is the last thing it said, whatever crosses
// on the way.
#pragma once

#include <cstdint>

#include "engine/base/instant.h"
#include "engine/codec/grant_message.h"
#include "engine/policy/given_pieces.h"
#include "engine/policy/grant_choice.h"
#include "engine/swarm/effects.h"

namespace murder::swarm {

inline constexpr double bytes_per_kib = 1024;  // rates are told in KiB/s

// At the uploader: a piece that is promised or under way.
struct Grant {
  using Place = policy::GrantPlace;

  SessionId session;
  uint32_t piece = codec::any_piece;  // named by us, else chosen by the first request
  bool accepted = false;
  Place place = Place::slot;
  uint32_t asked_bytes = 0;
  Instant at{};  // offered; then accepted
};

// What two of our own peers know of each other, as part of their session.
struct GrantState {
  bool in_use = false;      // both sides use the extension
  uint8_t extended_id = 0;  // what it wants grant messages called
  bool knows_rack = false;  // we told it ours before it told us what it speaks
  bool rack_mate = false;
  bool covers_rack = false;  // a mate, and what it has need not come from outside

  // --- it downloads from us ---
  bool peer_free = false;    // it said so last
  Instant progressed_at{};   // it said last that it has a piece
  uint32_t grants = 0;       // to it, offered and accepted
  uint32_t asked_bytes = 0;  // by it, waiting or handed to the transport
  uint32_t told_rate = 0;    // of its link, KiB/s; 0: not told
  uint32_t refused_in_row = 0;
  uint32_t unused_in_row = 0;  // grants that it left unanswered, or did not take
  bool took_piece = false;     // a grant to it came to its end
  uint32_t took_points = 0;    // for the pieces that it took, see policy/exchange.h
  uint32_t gave_pieces = 0;    // right ones that it took part in, or passed on of ours
  bool was_named_one = false;  // it was granted a piece that we named
  uint32_t first_copies = 0;   // pieces that it had of us before any other neighbour
  uint32_t spread_copies = 0;  // of them, that another neighbour has by now
  policy::GivenPieces given;   // by us, of which it did not say yet that it has them
  Instant granted_again_at{};  // after many refusals, or an unused grant, it waits

  // --- we download from it ---
  bool told_free = false;  // what we said last
  uint32_t declined_since_free = 0;
  uint32_t declined_since_payload = 0;
};

}  // namespace murder::swarm
