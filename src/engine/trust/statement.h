// What is signed of a release: a text in one spelling only, a field a line (docs/protocol.md,
// "Signed releases").
//
//   murder-release 1
//   application shop
//   tag v42
//   info-hash 7c2f0c4d7a0a9f6d2f2a1f6f5c8e0b3a4d5e6f70
//   sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//   size 701234
//   serial 1795969872
//   time 2026-11-29T16:31:12Z
//   expires 2026-12-29T16:31:12Z
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/hash/sha256.h"

namespace murder::trust {

// The namespace of its signatures.
inline constexpr std::string_view release_namespace = "murder-release";

struct ReleaseStatement {
  std::string application;    // which one, or which fleet, it is a release of; empty: not said
  std::string tag;            // its name
  InfoHash info_hash;         //
  hash::Sha256Digest sha256;  // of the content: the pieces of the torrent in their order
  uint64_t size_bytes = 0;    // of the content
  uint64_t serial = 0;        // grows from release to release of an application
  int64_t time_s = 0;         // when it was signed first, in seconds since 1970
  std::optional<int64_t> expires_s;  // it does not count after this second

  bool operator==(const ReleaseStatement&) const = default;
};

inline constexpr uint64_t serial_max = INT64_MAX;

// The application: as validate_tag(), but it may hold '/'.
[[nodiscard]] Status validate_application(std::string_view application);

// What can be signed: names are valid, times are in the years 1970 to 9999, sizes and serials below
// 2^63, and it expires after it was made.
[[nodiscard]] Status validate_statement(const ReleaseStatement& statement);

// Of a valid one.
[[nodiscard]] std::string encode_statement(const ReleaseStatement& statement);
// Accepts what encode_statement() writes, byte for byte, and nothing else.
[[nodiscard]] Result<ReleaseStatement> parse_statement(std::string_view text);

}  // namespace murder::trust
