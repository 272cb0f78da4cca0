#include "tracker/proofs.h"

#include <utility>

#include "tracker/bounds.h"

namespace murder::tracker {

bool ProofQueue::add(const Proof& proof, SourceLedger& ledger) {
  std::deque<Proof>& queue = proof.is_foreign ? foreign_ : own_;
  if (queue.size() >= limits::proofs_waiting_max ||
      ledger.holds(proof.source).proof_count >= limits::proofs_per_source_max) {
    return false;
  }
  queue.push_back(proof);
  ledger.update(proof.source, [](SourceHolds& holds) { ++holds.proof_count; });
  return true;
}

std::optional<Proof> ProofQueue::next(Prng& prng) {
  std::deque<Proof>& queue = own_.empty() ? foreign_ : own_;
  if (queue.empty()) {
    return std::nullopt;
  }
  std::swap(queue[prng.below(static_cast<uint32_t>(queue.size()))], queue.back());
  const Proof proof = queue.back();
  queue.pop_back();
  return proof;
}

void ProofQueue::ended(const Proof& proof, SourceLedger& ledger) {
  ledger.update(proof.source, [](SourceHolds& holds) { --holds.proof_count; });
}

}  // namespace murder::tracker
