// What came of an order on a host, signed by its agent: a text in one spelling only, so that an
// outcome in a log or an audit can be proven to be the host's own (docs/protocol.md, "Outcomes").
//
//   murder-outcome 1
//   host web7
//   application shop
//   info-hash 7c2f0c4d7a0a9f6d2f2a1f6f5c8e0b3a4d5e6f70
//   attempt 17
//   outcome failed
//   reason health
//   time 2026-11-29T16:31:12Z
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/trust/agent_key.h"

namespace murder::trust {

// The namespace of its signatures.
inline constexpr std::string_view outcome_namespace = "murder-outcome";

struct OutcomeStatement {
  std::string host;
  std::string application;
  InfoHash info_hash;
  uint64_t attempt = 0;  // the coordinator's number of what was asked
  enum class Kind : uint8_t { healthy, failed, returned } kind = Kind::healthy;
  std::string reason;  // a word, only where it did not become healthy
  int64_t time_s = 0;

  bool operator==(const OutcomeStatement&) const = default;
};

// "healthy", "failed", "returned".
[[nodiscard]] std::string_view name_of(OutcomeStatement::Kind kind);

[[nodiscard]] Status validate_outcome(const OutcomeStatement& outcome);
// Of a valid one.
[[nodiscard]] std::string encode_outcome(const OutcomeStatement& outcome);
// Accepts what encode_outcome() writes, byte for byte, and nothing else.
[[nodiscard]] Result<OutcomeStatement> parse_outcome(std::string_view text);

}  // namespace murder::trust
