#include "engine/policy/candidates.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::policy {

Candidates::Candidate* Candidates::find(const Endpoint& endpoint) {
  const auto found = std::find_if(list_.begin(), list_.end(), [&](const Candidate& candidate) {
    return candidate.endpoint == endpoint;
  });
  return found == list_.end() ? nullptr : &*found;
}

bool Candidates::make_room(Source source) {
  if (list_.size() < count_max_) {
    return true;
  }
  // The higher, the sooner it goes: busy, told by a tracker (and never failed), barred, by itself.
  const auto rank = [](const Candidate& candidate) -> uint64_t {
    switch (candidate.state) {
      case State::busy:
        return 0;
      case State::barred:
        return uint64_t{1} << 31U;
      case State::idle:
        break;
    }
    const bool is_told = candidate.source == Source::tracker;
    return (is_told ? 2 : uint64_t{1} << 32U) + candidate.failures;
  };
  const auto worst = std::max_element(
      list_.begin(), list_.end(),
      [&](const Candidate& one, const Candidate& other) { return rank(one) < rank(other); });
  ENSURE(worst != list_.end());
  if (rank(*worst) < (source == Source::tracker ? 2 : 3)) {
    return false;
  }
  *worst = list_.back();
  list_.pop_back();
  return true;
}

bool Candidates::add(const Endpoint& endpoint, Source source) {
  if (endpoint.port == 0 || endpoint.address.is_unspecified()) {
    return false;
  }
  if (Candidate* known = find(endpoint)) {
    known->source = std::min(known->source, source);
    return false;
  }
  if (!make_room(source)) {
    return false;
  }
  ENSURE(list_.size() < count_max_);
  list_.push_back({.endpoint = endpoint, .source = source});
  return true;
}

std::optional<Endpoint> Candidates::take(Instant now, Prng& prng) {
  if (list_.empty()) {
    return std::nullopt;
  }
  const auto count = static_cast<uint32_t>(list_.size());
  const uint32_t start = prng.below(count);
  Candidate* best = nullptr;
  for (uint32_t step = 0; step < count && (best == nullptr || best->failures > 0); ++step) {
    Candidate& candidate = list_[(start + step) % count];
    if (candidate.state == State::idle && candidate.not_before <= now &&
        (best == nullptr || candidate.failures == 0)) {
      best = &candidate;
    }
  }
  if (best == nullptr) {
    return std::nullopt;
  }
  best->state = State::busy;
  return best->endpoint;
}

bool Candidates::has_any(Instant now) const {
  return std::any_of(list_.begin(), list_.end(), [&](const Candidate& candidate) {
    return candidate.state == State::idle && candidate.not_before <= now;
  });
}

void Candidates::failed(const Endpoint& endpoint, Instant now, Prng& prng) {
  Candidate* candidate = find(endpoint);
  if (candidate != nullptr && candidate->state != State::barred) {
    candidate->state = State::idle;
    ++candidate->failures;
    candidate->not_before = now + backoff_.wait(candidate->failures, prng);
  }
}

void Candidates::ended(const Endpoint& endpoint, Instant now, Prng& prng) {
  Candidate* candidate = find(endpoint);
  if (candidate != nullptr && candidate->state != State::barred) {
    candidate->state = State::idle;
    candidate->failures = 0;
    candidate->not_before = now + backoff_.wait(1, prng);
  }
}

void Candidates::postpone(const Endpoint& endpoint, Instant not_before) {
  Candidate* candidate = find(endpoint);
  if (candidate != nullptr && candidate->state != State::barred) {
    candidate->state = State::idle;
    candidate->not_before = not_before;
  }
}

void Candidates::bar(const Endpoint& endpoint) {
  add(endpoint, Source::itself);
  Candidate* candidate = find(endpoint);
  if (candidate != nullptr) {
    candidate->state = State::barred;
  }
}

uint32_t Candidates::named_count(const IpAddress& address) const {
  return static_cast<uint32_t>(
      std::count_if(list_.begin(), list_.end(), [&](const Candidate& candidate) {
        return candidate.source == Source::tracker && candidate.endpoint.address == address;
      }));
}

bool Candidates::is_barred(const Endpoint& endpoint) const {
  const Candidate* candidate = const_cast<Candidates*>(this)->find(endpoint);
  return candidate != nullptr && candidate->state == State::barred;
}

}  // namespace murder::policy
