// Addresses of peers we may dial, and what happened to them.
//
// A candidate is in exactly one state: idle (may be dialled from `not_before` on), busy (dialling
// or connected) or barred (ourselves, or caught with wrong data). Bounded. When full, there is
// always room for what a tracker names. Of those that are not busy, those that only said themselves
// where they listen go first, then the barred, then those that failed most, and last those that
// never failed: the latter not for what peers say of themselves.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"
#include "engine/base/prng.h"
#include "engine/policy/backoff.h"

namespace murder::policy {

class Candidates {
 public:
  explicit Candidates(uint32_t count_max) : count_max_(count_max) {}

  enum class Source : uint8_t { tracker, itself };  // who says so
  // True when it was not known before.
  bool add(const Endpoint& endpoint, Source source);

  // A random idle candidate whose time has come, now busy, one that did not fail lately before
  // others; nullopt when there is none.
  [[nodiscard]] std::optional<Endpoint> take(Instant now, Prng& prng);

  // Whether take() would find one.
  [[nodiscard]] bool has_any(Instant now) const;

  // Each of the following gives a time from which on it may be dialled (again), whatever it was
  // before, unless it is barred.
  // The dial failed, or the connection ended early: it waits, longer each time.
  void failed(const Endpoint& endpoint, Instant now, Prng& prng);
  // The connection ended after it had worked: it may be dialled again soon.
  void ended(const Endpoint& endpoint, Instant now, Prng& prng);
  // Not before this time (a duplicate of a connection that is there, a seed while we seed).
  void postpone(const Endpoint& endpoint, Instant not_before);
  void bar(const Endpoint& endpoint);
  [[nodiscard]] bool is_barred(const Endpoint& endpoint) const;
  // Hosts at this address that a tracker named.
  [[nodiscard]] uint32_t named_count(const IpAddress& address) const;

  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(list_.size()); }

 private:
  enum class State : uint8_t { idle, busy, barred };
  struct Candidate {
    Endpoint endpoint;
    State state = State::idle;
    Source source = Source::tracker;
    uint32_t failures = 0;
    Instant not_before{};
  };

  [[nodiscard]] Candidate* find(const Endpoint& endpoint);
  [[nodiscard]] bool make_room(Source source);

  static constexpr Backoff backoff_ = {std::chrono::seconds(1), std::chrono::seconds(30)};

  std::vector<Candidate> list_;
  uint32_t count_max_;
};

}  // namespace murder::policy
