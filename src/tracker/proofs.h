// Which peers the tracker dials back before, or while, it tells others of them. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "engine/base/endpoint.h"
#include "engine/base/prng.h"
#include "engine/base/types.h"
#include "tracker/sources.h"

namespace murder::tracker {

// One dial: is there a peer of this swarm at this endpoint?
struct Proof {
  InfoHash info_hash;
  Endpoint endpoint;
  SourceKey source = 0;     // that announced it
  bool is_foreign = false;  // its address is not the source's
};

// Proofs that wait. A source has limits::proofs_per_source_max of them, waiting or under way, so
// that one that announces thousands does not hold up others; who does not find room asks again with
// its next announce. Bounded by limits::proofs_waiting_max as well. Those of a source's own address
// come first, and of several any: the order in which they came favours nobody.
class ProofQueue {
 public:
  // False: there is no room for it.
  bool add(const Proof& proof, SourceLedger& ledger);
  // It is under way from here on, until ended().
  [[nodiscard]] std::optional<Proof> next(Prng& prng);
  static void ended(const Proof& proof, SourceLedger& ledger);
  [[nodiscard]] uint32_t waiting_count() const {
    return static_cast<uint32_t>(own_.size() + foreign_.size());
  }

 private:
  std::deque<Proof> own_;
  std::deque<Proof> foreign_;
};

}  // namespace murder::tracker
